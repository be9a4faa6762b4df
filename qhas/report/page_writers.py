"""Writes cells' pages from their files, in child processes if there are many: the work is computing, not waiting."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from qhas.diff.model import CellDiff
from qhas.machine.collector import rare_collections
from qhas.report.beside import Beside, answer, receive, started_beside
from qhas.report.cell_page import Neighbours, cell_page_text
from qhas.report.findings import Findings
from qhas.report.gather import CellContents, understood
from qhas.runs.record import SweepRecord

_CELLS_A_PROCESS = 40
"""Cells per process: fewer are written before another process would have started."""
_FEW = 3
"""The most processes of which this one counts as one: with more, reading their files keeps it busy enough."""

_AHEAD = 2
"""Pages requested from a child process at a time."""

_PROGRAM = """
from qhas.machine.collector import collect_rarely
collect_rarely()  # imports are most of what it makes
from qhas.report.page_writers import main
main()
"""
"""The program of a child process. Not `-m`, which prints a warning: the package imports this module before running it."""


class Written(NamedTuple):
    """A cell's page, and its comparison with the baseline."""

    page: str
    diff: CellDiff | None


WritePage = Callable[[CellContents, Neighbours], Written]


class Writers:
    """The writers of pages: this process, its child processes, or both."""

    def __init__(self, beside: list[Beside], *, here: bool) -> None:
        self._beside = beside
        self._here = here

    @property
    def at_once(self) -> int:
        """Pages that they work on at a time when there is enough to do."""
        return len(self._beside) * _AHEAD + self._here

    def of(self, run: SweepRecord, findings: Findings) -> WritePage:
        """Return the function that writes pages of the run; it may be called from several threads at once."""
        here = partial(_write, run, findings)
        free = SimpleQueue[WritePage]()
        for process in self._beside:
            process.send((run, findings))
        for process in self._beside * _AHEAD:  # every process once before any of them twice
            free.put(partial(_write_beside, process, here))
        if self._here:  # only once: threads that compute at the same time only compete for the interpreter
            free.put(here)

        def write(contents: CellContents, neighbours: Neighbours) -> Written:
            writer = free.get()
            try:
                return writer(contents, neighbours)
            finally:
                free.put(writer)

        return write


@contextmanager
def open_writers(cells: int) -> Iterator[Writers]:
    """Open writers for the pages of `cells` cells of one run.

    Processes start here, and come up while the caller reads what it needs first.
    """
    processes = min(os.cpu_count() or 1, cells // _CELLS_A_PROCESS)
    beside = processes if processes > _FEW else processes - 1
    with ExitStack() as stack:
        started = [stack.enter_context(started_beside(_PROGRAM)) for _ in range(beside)]
        stack.enter_context(rare_collections())
        yield Writers(started, here=beside < _FEW)


def _write_beside(
    process: Beside, instead: WritePage, contents: CellContents, neighbours: Neighbours
) -> Written:
    try:
        return Written(*process.ask((contents, neighbours)))
    except (EOFError, OSError, pickle.UnpicklingError):  # the process died: out of memory, or a signal
        return instead(contents, neighbours)


def _write(run: SweepRecord, findings: Findings, contents: CellContents, neighbours: Neighbours) -> Written:
    files = understood(contents)
    page = cell_page_text(run, contents.cell.record, neighbours, findings, files)
    return Written(page, files.diff)


def main() -> None:
    """Write pages until standard input ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    run, findings = receive(source)
    answer(lambda asked: tuple(_write(run, findings, *asked)), source, target)
