"""The course of a run, the same for every sweep: in the store, in Prefect, in events and in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.liveness import declare_crashed
from qhas.machine.hangup import hangup_interrupts
from qhas.runs import progress
from qhas.runs.durations import write_durations
from qhas.runs.record import CellRecord, SdkFacts, SitePart, SiteState, SweepRecord
from qhas.runs.sole_runner import Tenure
from qhas.runs.stored import begin_run, end_run, ending, note_cancelled
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.plan import Plan
from qhas.sweep.spec import OnUpgrade
from qhas.verdict import CellVerdict
from qhas.verdict.alarms import newly_worse
from qhas.verdict.summary import morning_line, morning_page
from qhas.verdict.upgrade import slower_with_sdk
from tasks import events
from tasks.artifacts import artifact_key
from tasks.report import publish_report
from tasks.sweep_progress import shown_progress

Judging = Callable[[SweepRecord, list[CellRecord]], Awaitable[list[CellVerdict]]]


@asynccontextmanager
async def running(
    store: Store, run_id: str, plan: Plan, site: Site, sdk: SdkFacts | None = None
) -> AsyncIterator[SweepRecord]:
    """Begin or resume a run and yield its record; a cancellation inside the block is noted in the store.

    Only for the run's sole runner. Raises InvalidInput if the id belongs to another spec.
    """
    run = await asyncio.to_thread(begin_run, store, run_id, plan, site, sdk, flow_run=flow_run.id)
    await declare_crashed(run)
    events.sweep_started(run)
    try:
        with hangup_interrupts():
            yield run
    except (asyncio.CancelledError, TerminationSignal):
        await asyncio.shield(asyncio.to_thread(note_cancelled, site, run))
        raise


@asynccontextmanager
async def counted(run: SweepRecord, cells: int, done: int) -> AsyncIterator[None]:
    """Show progress while the block runs its cells, of which `done` were finished before."""
    progress.report(progress.SweepStarted(run.run_id, cells, done))
    async with shown_progress(run, cells, done):
        yield


async def finish(
    store: Store,
    run: SweepRecord,
    records: list[CellRecord],
    tenure: Tenure,
    judging: Judging,
    parts: Sequence[SitePart] | None = None,
) -> State[Any]:
    """End a run with the records its cells have, judge and report it. The state says in a sentence how it went.

    `parts` are those of the sites, for a run over several. Raises RunNotEnded if the store fails, and RunTaken if
    another process has taken over the run.
    """
    with ending(run.run_id):
        await asyncio.to_thread(tenure.require)
        run = await asyncio.to_thread(end_run, store, run, records, parts or ())
        await asyncio.to_thread(write_durations, store, run.spec.name, run.run_id, records)
        verdicts = await judging(run, records)
        announcing = asyncio.create_task(_announce(run, records, verdicts))
        try:
            report = await publish_report(store, run, records)
            changes = await announcing
        finally:
            announcing.cancel()
        events.sweep_finished(run, report)
    counts = (
        standing(run) if parts is None else f"{standing(run)}, {run.failed} failed, {run.missing} not run"
    )
    sentences = [f"{counts}.", changes, *map(_of_site, parts or ()), f"Run {run.run_id}. Report: {report}"]
    message = " ".join(filter(None, sentences))
    upgrade_fails = run.spec.on_upgrade is OnUpgrade.FAIL and bool(slower_with_sdk(verdicts))
    bad = run.good < run.cells or run.over_budget or upgrade_fails
    return Failed(message=message) if bad else Completed(message=message)


async def _announce(run: SweepRecord, records: Sequence[CellRecord], verdicts: Sequence[CellVerdict]) -> str:
    """Publish the morning page as an artifact and an event per newly worse cell; return the line for the state."""
    by_cell = {record.cell.key: record for record in records}
    for verdict in newly_worse(verdicts, run.spec.on_upgrade):
        if record := by_cell.get(verdict.cell):
            events.regressed(record, verdict.sentence, baseline=verdict.before_run or "")
    await acreate_markdown_artifact(
        key=artifact_key(f"{run.spec.name}-verdicts"),
        markdown=morning_page(run, verdicts),
        description=f"What changed in run {run.run_id}",
    )
    return morning_line(verdicts)


def standing(run: SweepRecord) -> str:
    """Say how many cells of a finished run are good, and how many of those cost more than their budget allows."""
    over = f", {run.over_budget} over budget" if run.over_budget else ""
    return f"{run.good} of {run.cells} cells good{over}"


def _of_site(part: SitePart) -> str:
    if part.state is SiteState.FINISHED:
        return ""
    return f"Site {part.site} ({part.missing} of {part.cells} cells missing): {part.why}"
