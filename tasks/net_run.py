"""The profiled run as a task."""

from __future__ import annotations

from prefect import task

from qhas.cell import net_run as steps
from qhas.cell.net_run import ProfiledRun
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from qhas.devices import Device
from tasks.policy import STEP


@task(name="net-run", task_run_name="net-run {work.cell.label}", **STEP)
async def net_run(work: CellWork, prepared: Prepared, device: Device) -> ProfiledRun:
    """Execute the prepared graph with QHAS profiling on a leased device."""
    return await steps.net_run(work, prepared, device)
