"""Log collection as a task."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from qhas.cell import net_run as steps
from qhas.cell.net_run import ProfiledRun
from qhas.cell.work import CellWork
from qhas.devices import Device
from tasks.policy import STEP


@task(name="collect-logs", task_run_name="collect-logs {work.cell.label}", **STEP)
async def collect_logs(work: CellWork, run: ProfiledRun, device: Device) -> Path:
    """Profiling log from the device to the host."""
    return await steps.collect_logs(work, run, device)
