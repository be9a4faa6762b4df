"""Post-processing as a task."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from qhas.cell import chrometrace as steps
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from qhas.devices import Device
from tasks.policy import STEP


@task(name="chrometrace", task_run_name="chrometrace {work.cell.label}", **STEP)
async def generate_chrometrace(
    work: CellWork, prepared: Prepared, log: Path, device: Device | None = None
) -> None:
    """Log and schematic to chrometrace and QHAS, checked."""
    await steps.generate_chrometrace(work, prepared, log, device)
