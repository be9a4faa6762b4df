"""Models x SoCs x variants: plan, run what is missing, report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun, TerminationSignal
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.cell import profile_cells
from qhas import progress
from qhas.durations import read_durations, write_durations
from qhas.failures import InvalidInput
from qhas.lab import Lab, open_lab
from qhas.plan import Plan, plan_sweep
from qhas.record import CellRecord, SweepRecord
from qhas.runs import begin_run, cancel_run, end_run, finished_cells, new_run_id
from qhas.site import load_site, require_devices
from qhas.spec import SweepSpec
from tasks.report import publish_report


@flow(name="sweep", flow_run_name="{spec.name}", persist_result=False)
async def sweep(spec: SweepSpec, site: str | None = None, run_id: str | None = None) -> State[Any]:
    """Profile every network on every SoC and publish traces, QHAS summaries and a report.

    `site` is the path of a site.yaml on the worker; without it QHAS_SITE, else the defaults. The `run_id` of an
    earlier run completes that run: only cells that are missing or failed are run.
    """
    return await run_sweep(spec, site, run_id or run_id_of_flow_run(spec.name))


def sweep_here(spec: SweepSpec, site: str | None, run_id: str) -> None:
    """Run the sweep in this process, without a deployment. Raises what kept it from starting, not failed cells."""
    try:
        asyncio.run(sweep(spec, site, run_id))
    except FailedRun:
        return
    except TerminationSignal as stopped:
        raise KeyboardInterrupt from stopped
    except RuntimeError as error:
        if "API" not in str(error):
            raise
        hint = "start the server, or unset PREFECT_API_URL to run without one"
        raise InvalidInput(f"Prefect's API does not answer ({error}): {hint}.") from error


async def run_sweep(spec: SweepSpec, site_path: str | None, run_id: str) -> State[Any]:
    """Take a sweep to its end; the state says how many cells are good. Raises InvalidInput before anything runs."""
    plan = await asyncio.to_thread(plan_sweep, spec)
    site = load_site(Path(site_path) if site_path else None)
    require_devices(site, sorted({cell.soc for cell in plan.cells}))
    async with open_lab(site) as lab:
        run = await asyncio.to_thread(begin_run, lab, run_id, plan)
        try:
            cells = await _complete(plan, lab, run)
        except asyncio.CancelledError:
            cancel_run(lab, run)
            raise
        run = await asyncio.to_thread(end_run, lab, run, cells)
        report = await publish_report(lab.store, run, cells)
    return _state(run, report)


async def _complete(plan: Plan, lab: Lab, run: SweepRecord) -> list[CellRecord]:
    """Run what is missing; the records of all cells in the order of the plan."""
    done = await finished_cells(lab, run.run_id, plan.cells)
    progress.report(progress.SweepStarted(run.run_id, len(plan.cells), len(done)))
    missing = [cell for cell in plan.cells if cell.key not in done]
    forecasts = await asyncio.to_thread(read_durations, lab.store, plan.spec.name)
    ran = await profile_cells(missing, lab, run.run_id, forecasts)
    await asyncio.to_thread(write_durations, lab.store, plan.spec.name, run.run_id, ran)
    done |= {record.cell.key: record for record in ran}
    return [done[cell.key] for cell in plan.cells]


def _state(run: SweepRecord, report: str) -> State[Any]:
    message = f"{run.cells - run.failed} of {run.cells} cells good. Run {run.run_id}. Report: {report}"
    return Failed(message=message) if run.failed else Completed(message=message)


def run_id_of_flow_run(name: str) -> str:
    """A run id that every retry of this flow run shares, so that a retry resumes."""
    if (started := flow_run.scheduled_start_time) and flow_run.id:
        return new_run_id(name, started, flow_run.id[:8])
    return new_run_id(name)
