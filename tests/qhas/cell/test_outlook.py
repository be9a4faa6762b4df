"""What is foretold of simulated cells, whose kept runs need not be executed again."""

from __future__ import annotations

import asyncio
from importlib import resources
from pathlib import Path

import pytest

from qhas.cell.outlook import Outlook, look_ahead
from qhas.direct import run_direct
from qhas.site import DeviceRef, Host, Site, Transport
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import SweepSpec

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("emulated")]
NETWORK = str(resources.files("hostsdk").joinpath("trial.dlc"))
SOCS = ("sa8255", "qcs9100")


def night(inputs: str, *socs: str) -> SweepSpec:
    return SweepSpec.model_validate(
        {"name": "night", "models": [{"name": "net", "dlc": NETWORK, "inputs": inputs}], "socs": socs}
    )


def site(folder: Path, *listed: str) -> Site:
    """A site with a store of its own and one core that lists these SoCs' simulators as devices."""
    refs = [DeviceRef(name=f"listed-{soc}", soc=soc, transport=Transport.HOST) for soc in listed]
    return Site(store=str(folder / "store"), devices=refs, host=Host(cores=1))


def outlook(spec: SweepSpec, on: Site) -> Outlook:
    return asyncio.run(look_ahead(plan_sweep(spec), on))


def test_a_kept_run_takes_no_time_whether_or_not_its_simulator_is_listed(tmp_path: Path) -> None:
    spec = night("random", "sa8255")
    run_direct(spec, site(tmp_path), "one")
    unlisted, listed = outlook(spec, site(tmp_path)), outlook(spec, site(tmp_path, "sa8255"))
    assert unlisted.known == listed.known == {"net/sa8255/default"}
    assert unlisted.device_seconds > 0
    assert listed.seconds == unlisted.seconds < unlisted.device_seconds
    assert listed.expected == unlisted.expected


def test_listed_simulators_share_the_cores_of_this_host(tmp_path: Path) -> None:
    spec = night("random", "sa8255", "sa8797")
    unlisted, listed = outlook(spec, site(tmp_path)), outlook(spec, site(tmp_path, "sa8255", "sa8797"))
    assert listed.seconds == unlisted.seconds >= unlisted.device_seconds


def test_an_estimate_of_a_twin_is_not_shared_as_nothing_is_executed(tmp_path: Path) -> None:
    executing, estimate = (outlook(night(inputs, *SOCS), site(tmp_path)) for inputs in ("random", "none"))
    assert estimate.seconds > executing.seconds


def test_an_estimate_is_made_every_night(tmp_path: Path) -> None:
    spec = night("none", "sa8255")
    run_direct(spec, site(tmp_path), "one")
    assert outlook(spec, site(tmp_path)).seconds >= outlook(spec, site(tmp_path)).device_seconds > 0
