"""A flow whose cells go through every task while no tool runs and nothing is stored: orchestration only.

What remains of a cell is its task runs, its place in the order of work, its directory, the lease of a device (a file
lock), its attempts and its record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from prefect import flow

from bench.job import Job
from bench.request import site_of, spec_of
from bench.studies.makespan.ours import RackLab
from flows.cell import profile_cells
from qhas.cell.net_run import ProfiledRun
from qhas.cell.prepare import Prepared
from qhas.cell.publish import record_of
from qhas.cell.sequence import ONCE, Steps
from qhas.cell.work import CellWork
from qhas.devices import Device
from qhas.lab.lab import open_lab
from qhas.runs.record import CellRecord
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import Cell
from tasks.steps import as_tasks


def run(job: Job) -> None:
    """Run the job's cells, at most the first `job.limit`. Raises RuntimeError if a cell failed."""
    cells = list(islice(plan_sweep(spec_of(job)).cells, job.limit))
    failed = asyncio.run(_orchestrate(cells, job))
    if failed:
        raise RuntimeError(f"{failed} of {len(cells)} cells failed")


async def _orchestrate(cells: Sequence[Cell], job: Job) -> int:
    # No parameters: a server accepts at most half a megabyte of them, and they are not part of a cell's cost.
    @flow(name="orchestrator", persist_result=False)
    async def orchestrator() -> int:
        site = site_of(job)
        async with open_lab(site, cores=job.at_once) as opened:
            lab = RackLab(site, opened.sdk, opened.store, opened.scratch, job.at_once)
            steps = as_tasks(without_tools(job.device_seconds))
            records = await profile_cells(cells, lab, job.run_id, steps=steps)
        return sum(not record.good for record in records)

    return await orchestrator()


# Task runs are named after the parameter `work`, so every step keeps that name.


async def _prepare(work: CellWork) -> Prepared:
    return Prepared(work.directory / "prepared.dlc", work.directory / "schematic.bin")


async def _collect(work: CellWork, _run: ProfiledRun, _device: Device) -> Path:
    return work.directory / "log"


async def _generate(work: CellWork, _prepared: Prepared, _log: Path, _device: Device | None) -> None:  # noqa: ARG001
    return


async def _publish(work: CellWork) -> CellRecord:
    return record_of(work, artifacts=[])


def without_tools(device_seconds: float) -> Steps:
    """Return the steps of a simulated cell, all of them empty except that the run holds its device."""

    async def hold(work: CellWork, _prepared: Prepared, device: Device) -> ProfiledRun:  # noqa: ARG001
        await asyncio.sleep(device_seconds)
        return ProfiledRun(await device.open_job(), log=None, outputs=[])  # type: ignore[arg-type]

    return replace(
        ONCE,
        prepare_graph=_prepare,
        net_run=hold,
        collect_logs=_collect,
        generate_chrometrace=_generate,
        publish_cell=_publish,
    )
