"""One cell through its steps, and many cells side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

from prefect.logging import get_run_logger

from qhas.cell.prepare import Prepared
from qhas.cell.publish import record_of
from qhas.cell.work import CellWork, open_work
from qhas.devices import Device
from qhas.failures import FACTS, Again, Failure, FailureKind, Step, StepFailed, worth_another_device
from qhas.lab.lab import Lab
from qhas.lab.pipeline import Pipeline
from qhas.runs import progress
from qhas.runs.record import CellRecord
from qhas.site import Viewer
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell
from tasks import events
from tasks.chrometrace import generate_chrometrace
from tasks.device import ready_device
from tasks.latency import measure_latency
from tasks.logs import collect_logs
from tasks.net_run import net_run
from tasks.prepare import prepare_graph
from tasks.publish import publish_cell

_WAIT_LOG_SECONDS = 60.0


async def profile_cell(cell: Cell, lab: Lab, run_id: str, pipeline: Pipeline | None = None) -> CellRecord:
    """Take a cell to its end. A failure ends in its record, not in an exception; a cancelled cell leaves no record."""
    async with open_work(cell, lab, run_id, pipeline) as work:
        try:
            await _steps(work)
        except StepFailed as error:
            work.failure = error.failure
        except Exception as error:  # the other cells must not suffer for a fault of ours
            get_run_logger().exception("%s: unexpected error", cell.label)
            work.failure = fault_of_ours(work, error)
        try:
            record = await publish_cell(work)
        except StepFailed as error:
            work.failure = error.failure
            record = record_of(work, artifacts=[])
        _log_failure(record)
        progress.report(progress.CellFinished(record))
        return record


async def _steps(work: CellWork) -> None:
    prepared = await prepare_graph(work)
    log = await _measure(work, prepared)
    if work.lab.site.viewer is Viewer.HOST:
        await generate_chrometrace(work, prepared, log)


async def _measure(work: CellWork, prepared: Prepared) -> Path:
    """All that needs a device, in one lease; in another one if the failure table says so."""
    failed_on: list[str] = []
    while True:
        try:
            async with work.lease(avoid=failed_on) as device:
                await ready_device(work, device)
                await _measure_latency(work, prepared, device)
                run = await net_run(work, prepared, device)
                log = await collect_logs(work, run, device)
                if work.lab.site.viewer is Viewer.DEVICE:
                    await generate_chrometrace(work, prepared, log, device)
                return log
        except StepFailed as error:
            if not worth_another_device(error, len(failed_on) + 1):
                raise
            failed_on.append(str(device.facts.address))


async def _measure_latency(work: CellWork, prepared: Prepared, device: Device) -> None:
    """A cell without latency still gets its trace, and then counts as failed. What another device may mend is raised."""
    try:
        await measure_latency(work, prepared, device)
    except StepFailed as error:
        if FACTS[error.failure.kind].again is Again.ELSEWHERE:
            raise
        work.failure = error.failure


async def profile_cells(
    cells: Sequence[Cell], lab: Lab, run_id: str, forecasts: Mapping[str, Forecast] | None = None
) -> list[CellRecord]:
    """Every cell, side by side as far as cores and devices allow, results in the order given.

    Forecasts by cell key, as far as known, decide the order of work.
    """
    pipeline = Pipeline(
        cells, lab.site.devices_by_soc(), lab.cores.count, lab.site.host, lab.scratch, forecasts
    )
    with progress.listening(_log_waits()), progress.listening(events.tell):
        async with asyncio.TaskGroup() as group:
            running = {
                cell.key: group.create_task(profile_cell(cell, lab, run_id, pipeline))
                async for cell in pipeline
            }
    return [running[cell.key].result() for cell in cells]


def _log_waits() -> progress.Listener:
    """Puts waits for devices into the flow run's log: of each SoC one a minute."""
    logger, last = get_run_logger(), dict[str, float]()

    def log(event: progress.Event) -> None:
        now = time.monotonic()
        if isinstance(event, progress.Waiting) and now - last.get(event.cell.soc, -inf) >= _WAIT_LOG_SECONDS:
            last[event.cell.soc] = now
            logger.info("%s: %s", event.cell.label, event.reason)

    return log


def fault_of_ours(work: CellWork, error: Exception) -> Failure:
    """The failure of a cell at work that no failure is foreseen for."""
    step = work.attempts[-1].step if work.attempts else Step.PREPARE
    return Failure.of(FailureKind.INTERNAL, step, f"{type(error).__name__}: {error}")


def _log_failure(record: CellRecord) -> None:
    if failure := record.failure:
        get_run_logger().error(
            "%s: %s: %s %s", record.cell.label, failure.kind, failure.message, failure.hint
        )
