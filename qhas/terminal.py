"""What the command shows: progress of a run, its result as tables."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from qhas.progress import CellFinished, Event, StepStarted, SweepStarted, Waiting, listening
from qhas.record import CellRecord, Origin, SweepRecord
from qhas.rows import ORIGIN_TITLE, by_origin, row, statements
from qhas.runs import cell_prefix
from qhas.spec import Cell
from qhas.store import Store

WAITING_LINE_SECONDS = 60.0
"""A wait for a device is always in the bar; as a line of its own it is printed this often at most."""


class SweepBar:
    """A bar over the cells of a run, with the step that started last or what is waited for."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._bar: TaskID = progress.add_task("starting Prefect", total=None)
        self._clock = clock
        self._waiting_line_at = -math.inf

    def __call__(self, event: Event) -> None:
        """Show an event of the run."""
        match event:
            case SweepStarted(cells=cells, done=done):
                self._progress.update(self._bar, total=cells, completed=done)
            case StepStarted(cell=cell, step=step, attempt=attempt):
                again = f", attempt {attempt}" if attempt > 1 else ""
                self._progress.update(self._bar, description=f"{cell.label}: {step}{again}")
            case Waiting(cell=cell, reason=reason):
                self._progress.update(self._bar, description=f"{cell.label}: {reason}")
                self._print_waiting(cell, reason)
            case CellFinished(record=record):
                self._progress.advance(self._bar)
                if record.failure:
                    self._progress.console.print(
                        _failure("failed", record.cell.label, record.failure.message)
                    )

    def _print_waiting(self, cell: Cell, reason: str) -> None:
        now = self._clock()
        if now - self._waiting_line_at >= WAITING_LINE_SECONDS:
            self._waiting_line_at = now
            self._progress.console.print(Text.assemble(("waiting", "yellow"), f" {cell.label}: {reason}"))


@contextmanager
def sweep_bar(console: Console) -> Iterator[None]:
    """Show the progress of the run inside the block."""
    with bar(console) as progress, listening(SweepBar(progress)):
        yield


def bar(console: Console) -> Progress:
    """The one look of every progress bar of the command."""
    return Progress(
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
    )


def show_run(console: Console, run: SweepRecord, cells: list[CellRecord]) -> None:
    """Tables of a run, one per origin of figures, then its failures with their next steps."""
    for origin, records in by_origin(cells):
        console.print(_table(run, origin, records))
        for statement in statements(records):
            console.print(statement, style="dim", markup=False)
    for record in cells:
        if failure := record.failure:
            console.print(_failure(failure.kind, record.cell.label, f"{failure.message} {failure.hint}"))


def _table(run: SweepRecord, origin: Origin, records: list[CellRecord]) -> Table:
    time = "est. time" if origin is Origin.SIMULATOR else "time"
    table = Table(
        title=f"{run.run_id}: {ORIGIN_TITLE[origin]}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    variants = any(record.cell.variant != "default" for record in records)
    for name in ("network", "SoC", *(["variant"] if variants else [])):
        table.add_column(name, no_wrap=True)
    for name in (time, "util.", "DRAM", "VTCM"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("top op", no_wrap=True)
    previous = None
    for record in records:
        line = row(record)
        if previous not in (None, line.network):
            table.add_section()
        first = [
            line.network if line.network != previous else "",
            line.soc,
            *([line.variant] if variants else []),
        ]
        figures = [line.time, line.utilization, line.dram, line.vtcm, line.top_op or line.status]
        table.add_row(*map(Text, [*first, *figures]))  # names of ops are data, never markup
        previous = line.network
    return table


def _failure(kind: str, label: str, message: str) -> Text:
    return Text.assemble((kind, "red"), f" {label}: {message}")


def trace_paths(store: Store, cells: list[CellRecord]) -> Iterator[str]:
    """Addresses of the chrometraces of a run."""
    for record in cells:
        if trace := record.artifact("chrometrace"):
            yield store.url(f"{cell_prefix(record.run_id, record.cell)}/{trace.path}")
