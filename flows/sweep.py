"""Models x SoCs x variants: plan, run what is missing, report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import httpx
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun, TerminationSignal
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import parameters as asked
from flows.cell import profile_cells
from flows.confirm import confirm_part, judge_and_confirm
from flows.liveness import report_waiting
from flows.own_server import over_an_api
from flows.running import counted, finish, running
from qhas.cell.resume import complete, sdk_of_run
from qhas.failures import InvalidInput
from qhas.lab.lab import Lab, open_lab
from qhas.machine.hangup import hangup_interrupts
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.sole_runner import sole_runner
from qhas.runs.stored import ending, new_run_id, require_run
from qhas.site import load_site, require_cells
from qhas.site.demo import missing_networks
from qhas.site.fit import sdks_of
from qhas.sweep.expectation import Expectations
from qhas.sweep.plan import plan_sweep, require_files
from qhas.sweep.sites import Part
from qhas.sweep.spec import Cell, SweepSpec
from tasks.samples import make_samples

CELLS_FAILED = "Cells failed"
"""State of a part that ran to its end with failed cells. A part that was refused or broke off has another one."""


def _flow_run_name() -> str:
    spec, part = flow_run.parameters["spec"], flow_run.parameters.get("part")
    return f"{spec.name} at {part.site}" if part else str(spec.name)


@flow(name="sweep", flow_run_name=_flow_run_name, persist_result=False)
async def sweep(
    spec: SweepSpec = asked.SPEC,
    site: asked.OptionalPath = asked.SITE,
    run_id: asked.OptionalName = asked.RUN_ID,
    part: Part | None = asked.PART,
) -> State[Any]:
    """Profile every network on every SoC and publish traces, QHAS summaries and a report.

    The `run_id` of an earlier run completes that run. `part` is set by the flow `sweep-sites`.
    """
    if part:
        return await run_part(spec, site, run_id, part)
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(spec.name))


def sweep_here(spec: SweepSpec, site: str | None, run_id: str) -> None:
    """Run the sweep in this process, without a deployment. Raises what prevented the start, not cell failures."""
    run_here(lambda: sweep(spec, site, run_id))


def run_here(started: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Run a flow in this process. Raises what prevented the start, not cell failures."""
    try:
        with hangup_interrupts(), over_an_api() as named:
            asyncio.run(_asked(started, named=named))
    except FailedRun:
        return
    except TerminationSignal as stopped:
        raise KeyboardInterrupt from stopped


async def _asked(started: Callable[[], Coroutine[Any, Any, Any]], *, named: bool) -> None:
    """Start the flow. Raises InvalidInput if the API does not answer or is of another version."""
    try:
        async with get_client() as client:
            await client.raise_for_api_version_mismatch()
    except (RuntimeError, httpx.HTTPError) as error:
        hint = (
            "start the server, or unset PREFECT_API_URL to run without one"
            if named
            else "the server belongs to this process; try again when the machine is less busy"
        )
        raise InvalidInput(f"Prefect's API cannot be used ({error}): {hint}.") from error
    await started()


async def run_sweep(spec: SweepSpec, site_path: str | None, run_id: str) -> State[Any]:
    """Run a sweep to its end; the state says how many cells are good.

    Raises InvalidInput before anything runs, and RunNotEnded if the cells have run and the store is gone.
    """
    for folder, names in missing_networks(model.source for model in spec.models).items():
        await make_samples(folder, names)
    plan = await asyncio.to_thread(plan_sweep, spec)
    site = load_site(site_path)
    require_cells(site, plan.cells)
    async with (
        open_lab(site, sdks=await asyncio.to_thread(sdks_of, site, plan.cells)) as lab,
        sole_runner(lab.store, run_id, report_waiting) as lab.tenure,
    ):
        async with running(lab.store, run_id, plan, site, sdk_of_run(lab)) as run:
            records = await _complete(plan.cells, lab, run)
        return await finish(lab.store, run, records, lab.tenure, partial(judge_and_confirm, lab))


async def run_part(spec: SweepSpec, site_path: str | None, run_id: str | None, part: Part) -> State[Any]:
    """Run some cells of a run that another flow run began and will end. Raises InvalidInput before anything runs."""
    plan = await asyncio.to_thread(plan_sweep, spec, look_up=False)
    cells = part.select(plan.cells)
    site = load_site(site_path)
    require_cells(site, cells)
    await asyncio.to_thread(require_files, cells)
    async with open_lab(site, sdks=await asyncio.to_thread(sdks_of, site, cells)) as lab:
        run = await asyncio.to_thread(require_run, lab.store, run_id or "", spec)
        async with sole_runner(lab.store, run.run_id, report_waiting, site=part.site) as lab.tenure:
            records = await _complete(cells, lab, run)
            with ending(run.run_id):
                await confirm_part(lab, run, records, part.site)
    failed = sum(not record.good for record in records)
    message = f"{len(records) - failed} of {len(records)} cells of site {part.site} good. Run {run.run_id}."
    return Failed(name=CELLS_FAILED, message=message) if failed else Completed(message=message)


async def _complete(cells: Sequence[Cell], lab: Lab, run: SweepRecord) -> list[CellRecord]:
    async def profile(missing: Sequence[Cell], expected: Expectations) -> list[CellRecord]:
        async with counted(run, len(cells), len(cells) - len(missing)):
            return await profile_cells(missing, lab, run.run_id, expected)

    return await complete(cells, lab, run, profile)


def run_id_of_flow_run(name: str) -> str:
    """Return a run id that every retry of this flow run shares, so that a retry resumes the run."""
    if (started := flow_run.scheduled_start_time) and flow_run.id:
        return new_run_id(name, started, flow_run.id[:8])
    return new_run_id(name)
