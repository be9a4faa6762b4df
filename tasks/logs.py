"""Log collection as a task."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from qhas.devices import Device
from qhas.steps import net_run as steps
from qhas.steps.net_run import ProfiledRun
from qhas.work import CellWork
from tasks.policy import STEP


@task(name="collect-logs", task_run_name="collect-logs {work.cell.label}", **STEP)
async def collect_logs(work: CellWork, run: ProfiledRun, device: Device) -> Path:
    """Profiling log from the device to the host."""
    return await steps.collect_logs(work, run, device)
