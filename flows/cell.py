"""Cells run side by side, their steps as tasks, and reported in the flow run's log and Prefect's events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from math import inf

from prefect.logging import get_run_logger

from qhas.cell import sequence
from qhas.cell.sequence import Steps
from qhas.lab.lab import Lab
from qhas.runs import progress
from qhas.runs.record import CellRecord
from qhas.sweep.expectation import Expectations
from qhas.sweep.spec import Cell
from tasks import events
from tasks.steps import TASKS

_WAIT_LOG_SECONDS = 60.0


async def profile_cells(
    cells: Sequence[Cell],
    lab: Lab,
    run_id: str,
    expected: Expectations | None = None,
    steps: Steps = TASKS,
) -> list[CellRecord]:
    """Profile every cell; records come in the order given. A failure ends up in its cell's record."""
    with progress.listening(run_log()), progress.listening(events.emit):
        return await sequence.profile_cells(cells, lab, run_id, steps, expected)


def run_log() -> progress.Listener:
    """Return a listener that logs failures, re-runs and, once a minute per SoC, waits for devices."""
    logger, last = get_run_logger(), dict[str, float]()

    def log(event: progress.Event) -> None:
        match event:
            case progress.CellFinished(record) if failure := record.failure:
                label = record.cell.label
                logger.error("%s: %s: %s %s", label, failure.kind, failure.message, failure.hint)
            case progress.MeasuringAgain(cells):
                logger.info("Measuring again: %s.", ", ".join(cell.label for cell in cells))
            case progress.Trouble(cell, message, None):
                logger.warning("%s, %s", cell.label, message)
            case progress.Trouble(cell, message, error):
                logger.error("%s: %s", cell.label, message, exc_info=error)
            case progress.Waiting(cell, reason):
                now = time.monotonic()
                if now - last.get(cell.soc, -inf) >= _WAIT_LOG_SECONDS:
                    last[cell.soc] = now
                    logger.info("%s: %s", cell.label, reason)

    return log
