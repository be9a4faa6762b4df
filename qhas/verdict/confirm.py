"""Measures suspicious latencies a second time, before they are reported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from qhas.cell.sequence import Steps, fault_of_ours
from qhas.cell.work import CellWork, open_work
from qhas.failures import Failure, StepFailed
from qhas.history import Rerun, read_reruns, write_reruns
from qhas.lab.lab import Lab
from qhas.runs import progress
from qhas.runs.record import CellRecord, SweepRecord
from qhas.verdict.judge import suspects
from qhas.verdict.model import CellVerdict


async def confirm(
    lab: Lab,
    run: SweepRecord,
    records: Sequence[CellRecord],
    verdicts: Sequence[CellVerdict],
    steps: Steps,
    site: str | None = None,
) -> bool:
    """Measure unconfirmed suspects again and store the results; return whether there were any.

    `site` is the site whose part of the run this is.
    """
    reruns = await asyncio.to_thread(read_reruns, lab.store, run.run_id, records)
    measured = {cell for cell, rerun in reruns.items() if rerun.latency}
    unconfirmed = [record for record in suspects(verdicts, records) if record.cell.key not in measured]
    if unconfirmed:
        progress.report(progress.MeasuringAgain(tuple(record.cell for record in unconfirmed)))
        reruns |= {rerun.cell: rerun for rerun in await _measure_all(unconfirmed, lab, run.run_id, steps)}
        await asyncio.to_thread(write_reruns, lab.store, run.run_id, reruns, site)
    return bool(unconfirmed)


async def _measure_all(records: Iterable[CellRecord], lab: Lab, run_id: str, steps: Steps) -> list[Rerun]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_measure(record, lab, run_id, steps)) for record in records]
    return [task.result() for task in tasks]


async def _measure(record: CellRecord, lab: Lab, run_id: str, steps: Steps) -> Rerun:
    """Measure the latency again, on another device if there is one, after its gate has let it cool.

    A re-run that fails confirms nothing and clears nothing; the cell keeps its record.
    """
    async with open_work(record.cell, lab, run_id) as work:
        failure: Failure | None = None
        try:
            prepared = await steps.prepare_graph(work)
            async with work.lease(avoid=_devices(record)) as device:
                await steps.ready_device(work, device)
                await steps.measure_latency(work, prepared, device)
        except StepFailed as error:
            failure = error.failure
            progress.report(progress.Trouble(record.cell, f"measured again: {failure.message}"))
        except Exception as error:  # the run is complete without it
            failure = fault_of_ours(work, error)
            progress.report(progress.Trouble(record.cell, "measured again: unexpected error", error))
        return _rerun(work, failure)


def _devices(record: CellRecord) -> list[str]:
    return [record.device.address] if record.device and record.device.address else []


def _rerun(work: CellWork, failure: Failure | None) -> Rerun:
    return Rerun(
        cell=work.cell.key,
        taken_at=datetime.now(UTC),
        device=work.device,
        health=work.health,
        latency=work.latency,
        attempts=[attempt.model_copy() for attempt in work.attempts],
        failure=failure,
    )
