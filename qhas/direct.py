"""A run in this process without Prefect: the same steps, attempts and records, without flow runs and events."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module

from qhas.cell.resume import complete, sdk_of_run
from qhas.cell.sequence import DIRECT, profile_cells
from qhas.lab.lab import Lab, open_lab
from qhas.machine.cores import Cores
from qhas.machine.hangup import hangup_interrupts
from qhas.runs import progress
from qhas.runs.durations import write_durations
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.sole_runner import sole_runner
from qhas.runs.stored import begin_run, end_run, ending, note_cancelled
from qhas.site import Site, require_cells
from qhas.site.fit import sdks_of
from qhas.site.sdk import Sdk
from qhas.sweep.expectation import Expectations
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.spec import Cell, SweepSpec

_logger = logging.getLogger(__name__)


def run_direct(
    sweep: SweepSpec | Plan,
    site: Site,
    run_id: str,
    sdks: Mapping[str | None, Sdk] | None = None,
    then: Sequence[str] = (),
) -> None:
    """Run a sweep to its end, or complete it. A failed cell is in its record, not raised.

    A plan and SDKs that the caller already has are used as they are. `then` names modules that the caller will need:
    they are imported while the tools compute.

    Raises InvalidInput before anything runs, RunNotEnded if the cells have run and the store is gone, RunTaken if
    another process has taken over the run, and KeyboardInterrupt if the run is stopped, including by SIGTERM or
    SIGHUP.
    """
    try:
        with hangup_interrupts():
            asyncio.run(_run(sweep, site, run_id, sdks, then))
    except asyncio.CancelledError as stopped:
        raise KeyboardInterrupt from stopped


async def _run(
    sweep: SweepSpec | Plan,
    site: Site,
    run_id: str,
    sdks: Mapping[str | None, Sdk] | None,
    then: Sequence[str],
) -> None:
    this = asyncio.current_task()
    if this and threading.current_thread() is threading.main_thread():  # no other can handle signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    plan = sweep if isinstance(sweep, Plan) else await asyncio.to_thread(plan_sweep, sweep)
    require_cells(site, plan.cells)
    async with (
        open_lab(site, sdks=sdks or await asyncio.to_thread(sdks_of, site, plan.cells)) as lab,
        sole_runner(lab.store, run_id, _report_waiting) as tenure,
    ):
        lab.tenure = tenure
        run = await asyncio.to_thread(begin_run, lab.store, run_id, plan, site, sdk_of_run(lab))
        try:
            with progress.listening(_log_trouble):
                loading = asyncio.create_task(_load_the_end(lab.cores, then))
                records = await _complete(plan.cells, lab, run)
                loading.cancel()  # if no tool computes, the end of the run loads it instead
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(note_cancelled, site, run))
            raise
        with ending(run_id):
            await asyncio.to_thread(tenure.require)
            await _finish(lab, run, records)


async def _complete(cells: Sequence[Cell], lab: Lab, run: SweepRecord) -> list[CellRecord]:
    async def profile(missing: Sequence[Cell], expected: Expectations) -> list[CellRecord]:
        progress.report(progress.SweepStarted(run.run_id, len(cells), len(cells) - len(missing)))
        return await profile_cells(missing, lab, run.run_id, DIRECT, expected)

    return await complete(cells, lab, run, profile)


async def _finish(lab: Lab, run: SweepRecord, records: list[CellRecord]) -> None:
    from qhas.report.publish import publish_report
    from qhas.verdict.confirm import confirm
    from qhas.verdict.judge import judge_run

    run = await asyncio.to_thread(end_run, lab.store, run, records)
    await asyncio.to_thread(write_durations, lab.store, run.spec.name, run.run_id, records)
    verdicts = await asyncio.to_thread(judge_run, lab.store, run, records)
    if await confirm(lab, run, records, verdicts, DIRECT):
        await asyncio.to_thread(judge_run, lab.store, run, records)
    await asyncio.to_thread(publish_report, lab.store, run, records)


async def _load_the_end(cores: Cores, then: Sequence[str]) -> None:
    """Import what the end of the run needs, half a second's worth, while the tools compute.

    Earlier it would only delay their start.
    """
    await cores.computing.wait()
    await asyncio.to_thread(_load, ("qhas.verdict.confirm", "qhas.report.publish", *then))


def _load(names: Sequence[str]) -> None:
    for name in names:
        import_module(name)
    from qhas.report.rendering import load_templates

    load_templates()


def _report_waiting(reason: str) -> None:
    progress.report(progress.RunWaiting(reason))


def _log_trouble(event: progress.Event) -> None:
    if isinstance(event, progress.Trouble) and event.error:
        _logger.error("%s: %s", event.cell.label, event.message, exc_info=event.error)
