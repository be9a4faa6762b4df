"""The command's progress bar, and what it shows of a run in progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from qhas.failures import InvalidInput
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
from qhas.sweep.spec import Cell

WAITING_LINE_SECONDS = 60.0
"""Minimum interval between printed lines about waiting for a device; the bar itself shows every wait."""


class SweepBar:
    """A bar over the cells of a run, with the last step that started or what is being waited for."""

    def __init__(
        self, progress: Progress, clock: Callable[[], float] = time.monotonic, first: str = "starting"
    ) -> None:
        self._progress = progress
        self._bar: TaskID = progress.add_task(first, total=None)
        self._clock = clock
        self._waiting_line_at = -math.inf
        self._failed: dict[str, str] = {}

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
                    self._print_failure(record.cell.label, record.failure.message)

    def _print_failure(self, label: str, message: str) -> None:
        """Print at most one line, and each cause only once: the run's result has all failures, grouped."""
        first = self._failed.setdefault(message, label)
        reason = message if first == label else f"as {first}"
        line = Text.assemble(("failed", "red"), f" {label}: {' '.join(reason.split())}")
        self._progress.console.print(line, no_wrap=True, overflow="ellipsis")

    def _print_waiting(self, cell: Cell, reason: str) -> None:
        now = self._clock()
        if now - self._waiting_line_at >= WAITING_LINE_SECONDS:
            self._waiting_line_at = now
            cause = reason.removeprefix(f"waiting for {cell.soc}: ")
            self._progress.console.print(Text.assemble(("waiting", "yellow"), f" {cell.label}: {cause}"))


@contextmanager
def sweep_bar(console: Console, first: str = "starting") -> Iterator[None]:
    """Show the progress of the run inside the block, and `first` until there is any."""
    with bar(console) as progress, listening(SweepBar(progress, first=first)):
        yield


def bar(console: Console) -> Progress:
    """Return a progress bar in the style that all commands share."""
    return _Bar(
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
    )


class _Bar(Progress):
    """A bar that disappears when bad input is refused, because nothing ran."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, InvalidInput):
            self.live.transient = True
            self.live.stop()  # Progress.stop would print an empty line to a file
        else:
            super().__exit__(kind, error, trace)
