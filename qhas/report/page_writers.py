"""Cells' pages made of their files, in processes beside this one where there are many: it is computing, not waiting."""

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
"""Fewer are written before another process would have started."""
_FEW = 3
"""Processes up to which this one is one of them: beside more it has enough to do with reading what they write of."""

_AHEAD = 2
"""Pages that a process beside this one is asked for at a time."""

_PROGRAM = """
from qhas.machine.collector import collect_rarely
collect_rarely()  # imports are most of what it makes
from qhas.report.page_writers import main
main()
"""
"""Of a process beside this one. Not -m, which says a warning: the package imports this module before it runs it."""


class Written(NamedTuple):
    """A cell's page, and its comparison with the baseline."""

    page: str
    diff: CellDiff | None


WritePage = Callable[[CellContents, Neighbours], Written]


class Writers:
    """Who writes pages: this process, others beside it, or both."""

    def __init__(self, beside: list[Beside], *, here: bool) -> None:
        self._beside = beside
        self._here = here

    @property
    def at_once(self) -> int:
        """Pages that they have in hand at a time, when they have enough to do."""
        return len(self._beside) * _AHEAD + self._here

    def of(self, run: SweepRecord, findings: Findings) -> WritePage:
        """How pages of the run are written; to be called from several threads at once."""
        here = partial(_write, run, findings)
        free = SimpleQueue[WritePage]()
        for process in self._beside:
            process.tell((run, findings))
        for process in self._beside * _AHEAD:  # each once before any has a second one
            free.put(partial(_write_beside, process, here))
        if self._here:  # once: threads that compute together only take the interpreter from each other
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
    """Writers of so many cells' pages, for one run. Processes start here, so there is time for what is to be read first."""
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
    except (EOFError, OSError, pickle.UnpicklingError):  # it died: memory, a signal
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
