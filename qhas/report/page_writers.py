"""Cells' pages made of their files, in processes beside this one where there are many: it is computing, not waiting.

A process of ours is told its work through standard input and ends with it, so nothing is left however this one dies.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import IO, Any, NamedTuple

from qhas.diff.model import CellDiff
from qhas.machine.collector import rare_collections
from qhas.report.cell_page import Neighbours, cell_page_text
from qhas.report.findings import Findings
from qhas.report.gather import CellContents, understood
from qhas.runs.record import SweepRecord

_CELLS_A_PROCESS = 40
"""Fewer are written before another process would have started."""
_FEW = 3
"""Processes up to which this one is one of them: beside more it has enough to do with reading what they write of."""

_PROGRAM = """
from qhas.machine.collector import collect_rarely
collect_rarely()  # imports are most of what it makes
from qhas.report.page_writers import main
main()
"""
"""Of a process beside this one. Not -m, which says a warning: the package imports this module before it runs it."""


class Written(NamedTuple):
    """A cell's page, and its comparison with the baseline without the ops, which only the page shows."""

    page: str
    diff: CellDiff | None


WritePage = Callable[[CellContents, Neighbours], Written]


@contextmanager
def open_writers(run: SweepRecord, findings: Findings, cells: int) -> Iterator[WritePage]:
    """How so many cells' pages are written; to be called from several threads at once."""
    processes = min(os.cpu_count() or 1, cells // _CELLS_A_PROCESS)
    beside = processes if processes > _FEW else processes - 1
    free = SimpleQueue[WritePage]()
    with ExitStack() as stack:
        for _ in range(beside):
            process = stack.enter_context(_started())
            with suppress(OSError):  # one that is dead already is met when a page is to be written
                _send(process.stdin, (run, findings))
            free.put(partial(_write_beside, process, run, findings))
        if beside < _FEW:  # once: threads that compute together only take the interpreter from each other
            free.put(partial(_write, run, findings))
        stack.enter_context(rare_collections())

        def write(contents: CellContents, neighbours: Neighbours) -> Written:
            writer = free.get()
            try:
                return writer(contents, neighbours)
            finally:
                free.put(writer)

        yield write


@contextmanager
def _started() -> Iterator[subprocess.Popen[bytes]]:
    # -P: no modules of the working directory.
    argv = [sys.executable, "-P", "-c", _PROGRAM]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _send(pipe: IO[bytes] | None, message: tuple[Any, ...]) -> None:
    if pipe is None:
        raise EOFError
    pickle.dump(message, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _write_beside(
    process: subprocess.Popen[bytes],
    run: SweepRecord,
    findings: Findings,
    contents: CellContents,
    neighbours: Neighbours,
) -> Written:
    try:
        _send(process.stdin, (contents, neighbours))
        return Written(*pickle.load(process.stdout))  # type: ignore[arg-type]  # noqa: S301  # our own process
    except (EOFError, OSError, pickle.UnpicklingError):  # it died: memory, a signal
        return _write(run, findings, contents, neighbours)


def _write(run: SweepRecord, findings: Findings, contents: CellContents, neighbours: Neighbours) -> Written:
    files = understood(contents)
    page = cell_page_text(run, contents.cell.record, neighbours, findings, files)
    return Written(page, files.diff and files.diff.model_copy(update={"ops": [], "htp_ops": []}))


def main() -> None:
    """Write pages until standard input ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    run, findings = pickle.load(source)  # noqa: S301  # from the process that started this one
    while True:
        try:
            contents, neighbours = pickle.load(source)  # noqa: S301
        except EOFError:
            return
        pickle.dump(tuple(_write(run, findings, contents, neighbours)), target, pickle.HIGHEST_PROTOCOL)
        target.flush()
