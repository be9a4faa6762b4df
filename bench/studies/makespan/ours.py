"""The product: every cell runs through the flow's own tasks, on devices that leave the host's cores alone."""

from __future__ import annotations

import asyncio

from prefect import flow

from bench.job import Job
from bench.request import site_of, spec_of
from flows.cell import profile_cells
from qhas.devices import Device
from qhas.devices.host import HostDevice
from qhas.lab.lab import Lab, open_lab
from qhas.machine.cores import Cores
from qhas.runs.durations import read_durations, write_durations
from qhas.runs.record import CellRecord
from qhas.site import DeviceRef
from qhas.store import Store
from qhas.sweep.expectation import Expectations
from qhas.sweep.plan import plan_sweep
from qhas.sweep.size import NetworkSize
from qhas.sweep.spec import Cell


class RackLab(Lab):
    """A lab whose devices do their own computing, as phones and boards do."""

    def device(self, ref: DeviceRef, cell: Cell | None = None) -> Device:  # noqa: ARG002
        """Return a device on this machine with a core of its own."""
        return HostDevice(ref, self.sdk, self.scratch, Cores(1))


def run(job: Job) -> None:
    """Run the job's cells, with the durations of the last run if the job names a history, and record their durations.

    Raises RuntimeError if a cell failed.
    """
    asyncio.run(_makespan(job))


@flow(name="makespan", persist_result=False)
async def _makespan(job: Job) -> None:
    spec, site = spec_of(job), site_of(job)
    cells = plan_sweep(spec).cells
    known = read_durations(Store(job.history), spec.name).forecasts if job.history else {}
    sizes = {network.name: NetworkSize(*network.size) for network in job.networks if network.size}
    expected = Expectations(known, sizes, {cell.soc for cell in cells})
    async with open_lab(site, cores=job.at_once) as opened:
        lab = RackLab(site, opened.sdk, opened.store, opened.scratch, job.at_once)
        records = await profile_cells(cells, lab, job.run_id, expected)
        write_durations(lab.store, spec.name, job.run_id, records)
    _require_good(records)


def _require_good(records: list[CellRecord]) -> None:
    for record in records:
        if not record.good:
            raise RuntimeError(f"{record.cell.label} failed: {record.failure}")
