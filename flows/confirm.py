"""What a run says against its history, with suspicious cells measured a second time before it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from flows.cell import fault_of_ours
from qhas.cell.work import CellWork, open_work
from qhas.failures import Failure, StepFailed
from qhas.history import Rerun, read_reruns, write_reruns
from qhas.lab.lab import Lab
from qhas.runs.record import CellRecord, SweepRecord
from qhas.verdict import CellVerdict, Verdict, headlines
from qhas.verdict.judge import look_at_part, suspects
from qhas.verdict.summary import morning_line, morning_page
from tasks import events
from tasks.artifacts import artifact_key
from tasks.device import ready_device
from tasks.history import judge
from tasks.latency import measure_latency
from tasks.prepare import prepare_graph


async def judge_and_confirm(lab: Lab, run: SweepRecord, records: list[CellRecord]) -> list[CellVerdict]:
    """The verdicts on a run that has ended; suspicious latencies are taken once more, on another lease, before."""
    verdicts = await judge(lab.store, run, records)
    if await _confirm(lab, run, records, verdicts):
        verdicts = await judge(lab.store, run, records)
    return verdicts


async def confirm_part(lab: Lab, run: SweepRecord, records: list[CellRecord], site: str) -> None:
    """Take suspicious latencies of a site's cells once more, for the verdicts of the run that it is a part of."""
    verdicts = await asyncio.to_thread(look_at_part, lab.store, run, records)
    await _confirm(lab, run, records, verdicts, site)


async def _confirm(
    lab: Lab,
    run: SweepRecord,
    records: list[CellRecord],
    verdicts: Sequence[CellVerdict],
    site: str | None = None,
) -> bool:
    """Whether something was measured again, which is then stored."""
    known = await asyncio.to_thread(read_reruns, lab.store, run.run_id, records)
    measured = {cell for cell, rerun in known.items() if rerun.latency}
    open_ = [record for record in suspects(verdicts, records) if record.cell.key not in measured]
    if open_:
        get_run_logger().info("Measuring again: %s.", ", ".join(record.cell.label for record in open_))
        again = await measure_again(open_, lab, run.run_id)
        known |= {rerun.cell: rerun for rerun in again}
        await asyncio.to_thread(write_reruns, lab.store, run.run_id, known, site)
    return bool(open_)


async def tell(run: SweepRecord, records: Sequence[CellRecord], verdicts: Sequence[CellVerdict]) -> str:
    """The morning page as an artifact of the flow run, an event for each cell that is newly worse; the line for its state."""
    judged = headlines(verdicts)
    for record in records:
        if (one := judged.get(record.cell.key)) and one.verdict is Verdict.NEW:
            events.regressed(record, one.sentence, baseline=one.before_run or "")
    await acreate_markdown_artifact(
        key=artifact_key(f"{run.spec.name}-verdicts"),
        markdown=morning_page(run, verdicts),
        description=f"What changed in run {run.run_id}",
    )
    return morning_line(verdicts)


async def measure_again(records: Sequence[CellRecord], lab: Lab, run_id: str) -> list[Rerun]:
    """The latency of these cells once more, each on another device where there is one, after its gate has cooled it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_measure_again(record, lab, run_id)) for record in records]
    return [task.result() for task in tasks]


async def _measure_again(record: CellRecord, lab: Lab, run_id: str) -> Rerun:
    """A re-run that fails confirms nothing and clears nothing; the cell keeps its record."""
    async with open_work(record.cell, lab, run_id) as work:
        failure: Failure | None = None
        try:
            prepared = await prepare_graph(work)
            async with work.lease(avoid=_devices(record)) as device:
                await ready_device(work, device)
                await measure_latency(work, prepared, device)
        except StepFailed as error:
            failure = error.failure
            get_run_logger().warning("%s, measured again: %s", record.cell.label, failure.message)
        except Exception as error:  # the run has ended well without it
            failure = fault_of_ours(work, error)
            get_run_logger().exception("%s, measured again: unexpected error", record.cell.label)
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
