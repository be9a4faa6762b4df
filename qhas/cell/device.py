"""Getting a leased device ready for a cell."""

from __future__ import annotations

from qhas.cell.work import CellWork
from qhas.devices import Device
from qhas.failures import Step
from qhas.runs import progress
from qhas.runs.record import Origin


async def ready_device(work: CellWork, device: Device) -> None:
    """Connect to the device, check its identity and health, and copy the SDK to it. Raises StepFailed."""
    if device.origin is Origin.SIMULATOR:
        return
    async with work.attempt(Step.DEVICE):
        try:
            work.health = await device.make_ready(
                lambda reason: progress.report(progress.Waiting(work.cell, reason))
            )
        finally:
            work.device = device.facts  # everything that it has reported so far
