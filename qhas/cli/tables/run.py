"""What the command shows: progress of a run, its result as tables."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from qhas.profile.figures import DRAM, LATENCY, P90, PEAK_VTCM, TIME, UTILIZATION, Figure
from qhas.runs.progress import (
    CellFinished,
    Event,
    RunWaiting,
    SiteChanged,
    StepStarted,
    SweepStarted,
    Waiting,
    listening,
)
from qhas.runs.record import CellRecord, Origin, SweepRecord
from qhas.runs.rows import ORIGIN_TITLE, Row, by_origin, legend, row, site_table
from qhas.runs.stored import cell_prefix
from qhas.store import Store
from qhas.sweep.spec import Cell

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
            case RunWaiting(reason=reason):
                self._progress.update(self._bar, description=reason)
            case SiteChanged(site=site, state=state):
                self._progress.console.print(Text.assemble((f"site {site}", "cyan"), f": {state}"))
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
            told = reason.removeprefix(f"waiting for {cell.soc}: ")
            self._progress.console.print(Text.assemble(("waiting", "yellow"), f" {cell.label}: {told}"))


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
    """Tables of a run, one per origin of figures, then its poor figures, its failures with their next steps, and its sites."""
    for origin, records in by_origin(cells):
        console.print(_table(run, origin, records))
        for sentence in legend(records):
            console.print(sentence, style="dim", markup=False)
        for record in records:
            if (line := row(record)).mark:
                console.print(Text.assemble((line.mark, "red"), f" {record.cell.label}: {line.note}."))
            for result in record.over_budget:
                console.print(_failure("over budget", record.cell.label, result.sentence), soft_wrap=True)
    for record in cells:
        if failure := record.failure:
            console.print(_failure(failure.kind, _where(record), f"{failure.message} {failure.hint}"))
    if run.sites:
        console.print(_sites(run))


def _sites(run: SweepRecord) -> Table:
    rows = site_table(run.sites)
    table = Table(title="What each site did", title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    for title in rows[0]:
        table.add_column(title, overflow="fold")
    for line in rows:
        table.add_row(*map(Text, line.values()))
    return table


class _Shown(NamedTuple):
    """A column of the table; `unit` stands in its title and not in its cells, to save width."""

    field: str
    title: str
    unit: str = ""


def _with_unit(field: str, figure: Figure) -> _Shown:
    unit = figure.text(0).split()[-1]
    return _Shown(field, f"{figure.short_of(Origin.DEVICE)} {unit}".replace(" ", "\n", 1), unit)


def _shown(field: str, figure: Figure, origin: Origin) -> _Shown:
    return _Shown(field, figure.short_of(origin))


_SHOWN = {
    Origin.DEVICE: (
        _with_unit("median", LATENCY),
        _with_unit("p90", P90),
        _Shown("spread", "spread"),
        _with_unit("time", TIME),
        _shown("utilization", UTILIZATION, Origin.DEVICE),
        _with_unit("dram", DRAM),
    ),
    Origin.SIMULATOR: (
        _shown("time", TIME, Origin.SIMULATOR),
        _shown("utilization", UTILIZATION, Origin.SIMULATOR),
        _shown("dram", DRAM, Origin.SIMULATOR),
        _shown("vtcm", PEAK_VTCM, Origin.SIMULATOR),
    ),
}


def _table(run: SweepRecord, origin: Origin, records: list[CellRecord]) -> Table:
    table = Table(
        title=f"{run.run_id}: {ORIGIN_TITLE[origin]}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    variants = any(record.cell.variant != "default" for record in records)
    names = ["network", "soc", *(["variant"] if variants else [])]
    names += ["device"] if origin is Origin.DEVICE else []
    names += ["budget"] if any(record.budgets for record in records) else []
    for name in names:
        devices = name == "device"  # of a failed cell all it was tried on
        table.add_column("SoC" if name == "soc" else name, no_wrap=not devices, min_width=9 if devices else 0)
    for column in _SHOWN[origin]:
        table.add_column(column.title, justify="right", no_wrap=True)
    table.add_column("top op", overflow="fold", min_width=11)
    previous = None
    for line in map(row, records):
        if previous not in (None, line.network):
            table.add_section()
        first = [getattr(line, name) for name in names]
        first[0] = line.network if line.network != previous else ""
        figures = [_figure(line, column) for column in _SHOWN[origin]]
        # Names of ops are data, never markup.
        table.add_row(*map(Text, first), *figures, Text(line.top_op or line.status))
        previous = line.network
    return table


def _figure(line: Row, column: _Shown) -> Text:
    text = str(getattr(line, column.field)).removesuffix(f" {column.unit}")
    return Text(f"{text} !", "red") if column.field == "spread" and line.mark else Text(text)


def _where(record: CellRecord) -> str:
    """The cell, and the devices it was tried on unless the failure's sentence names them."""
    device = row(record).device
    told = not device or (record.failure and record.failure.message.startswith(f"{device}: "))
    return record.cell.label if told else f"{record.cell.label}, {device}"


def _failure(kind: str, label: str, message: str) -> Text:
    return Text.assemble((kind, "red"), f" {label}: {message}")


def device_logs(store: Store, cells: list[CellRecord]) -> Iterator[str]:
    """Addresses of the devices' own logs of the cells that failed there."""
    for record in cells:
        if record.failure and (log := record.artifact("device_log")):
            yield store.url(f"{cell_prefix(record.run_id, record.cell)}/{log.path}")


def trace_paths(store: Store, cells: list[CellRecord]) -> Iterator[str]:
    """Addresses of the chrometraces of a run."""
    for record in cells:
        if trace := record.artifact("chrometrace"):
            yield store.url(f"{cell_prefix(record.run_id, record.cell)}/{trace.path}")
