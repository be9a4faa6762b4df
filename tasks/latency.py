"""The latency pass as a task."""

from __future__ import annotations

from prefect import task

from qhas.cell import latency as steps
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from qhas.devices import Device
from tasks.policy import STEP


@task(name="latency", task_run_name="latency {work.cell.label}", **STEP)
async def measure_latency(work: CellWork, prepared: Prepared, device: Device) -> None:
    """Single inferences with op profiling off: the figure that people may quote."""
    await steps.measure_latency(work, prepared, device)
