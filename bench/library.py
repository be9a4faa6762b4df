"""The steps of `qhas` called directly: the product's checks, records and store, without Prefect and without retries."""

from __future__ import annotations

import asyncio

from bench.job import Job
from bench.request import site_of, spec_of
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import prepare_graph
from qhas.cell.publish import publish_cell
from qhas.cell.work import open_work
from qhas.lab.lab import Lab, open_lab
from qhas.lab.pipeline import Pipeline
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import Cell


def run(job: Job) -> None:
    """Run and publish every cell, in the flow's order of work. Raises StepFailed in an exception group."""
    asyncio.run(_run(job))


async def _run(job: Job) -> None:
    plan = await asyncio.to_thread(plan_sweep, spec_of(job))
    async with open_lab(site_of(job), cores=job.at_once) as lab, asyncio.TaskGroup() as group:
        pipeline = Pipeline(
            plan.cells, lab.site.devices_by_soc(), lab.cores.count, lab.site.host, lab.scratch
        )
        async for cell in pipeline:
            group.create_task(_run_cell(cell, lab, job.run_id, pipeline))


async def _run_cell(cell: Cell, lab: Lab, run_id: str, pipeline: Pipeline) -> None:
    async with open_work(cell, lab, run_id, pipeline) as work:
        prepared = await prepare_graph(work)
        async with work.lease() as device:
            ran = await net_run(work, prepared, device)
            log = await collect_logs(work, ran, device)
        await generate_chrometrace(work, prepared, log)
        await publish_cell(work)
