"""Making a leased device ready, as a task."""

from __future__ import annotations

from prefect import task

from qhas.cell import device as steps
from qhas.cell.work import CellWork
from qhas.devices import Device
from tasks.policy import STEP


@task(name="ready-device", task_run_name="ready-device {work.cell.label}", **STEP)
async def ready_device(work: CellWork, device: Device) -> None:
    """Reach, check, cool down and equip a device."""
    await steps.ready_device(work, device)
