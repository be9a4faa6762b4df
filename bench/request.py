"""A round's work in the form that the product accepts: a sweep and a site."""

from __future__ import annotations

from pathlib import Path

from bench.job import Job
from qhas.site import DeviceRef, SdkRef, Site
from qhas.sweep.spec import ModelRef, SweepSpec


def spec_of(job: Job) -> SweepSpec:
    """Return the sweep over the job's networks and SoCs, with the defaults for all options."""
    models = [ModelRef(name=network.name, dlc=network.dlc, inputs=network.inputs) for network in job.networks]
    return SweepSpec(name="bench", models=models, socs=list(job.socs))


def site_of(job: Job) -> Site:
    """Return a site with the job's SDK and devices, and a local store in its folder, which is empty at first."""
    devices = [
        DeviceRef(name=f"{soc}-{number}", soc=soc) for soc in job.socs for number in range(job.devices)
    ]
    return Site(store=str(Path(job.folder) / "store"), sdk=SdkRef(root=Path(job.sdk)), devices=devices)
