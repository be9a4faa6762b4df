# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""A site at work: who holds which device, what is fetched once, and what remains afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from fakes.records import model
from fakes.sdk import build_fake_sdk
from qhas.cell.work import open_work
from qhas.failures import FACTS, FailureKind, Step, StepFailed
from qhas.lab.lab import Lab, open_lab
from qhas.lab.pipeline import Pipeline
from qhas.machine.packing import gzipped
from qhas.runs.record import Origin
from qhas.site import DeviceRef, Host, SdkRef, Site
from qhas.site.sdk import Sdk, SdkKind
from qhas.store import Store, Upload
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

SDK = Sdk(Path("/sdk"), "2.45.0", SdkKind.VENDOR)


RUN = "nightly-1"


def cell(soc: str = "sm8750") -> Cell:
    return Cell(model=model(), soc=soc)


def lab_with(folder: Path, **devices: str) -> Lab:
    refs = [DeviceRef(name=name, soc=soc) for name, soc in devices.items()]
    return Lab(Site(devices=refs), SDK, Store(str(folder / "store")), folder, cores=2)


async def test_a_lab_without_devices_simulates_any_soc_as_often_as_asked(tmp_path: Path) -> None:
    lab = lab_with(tmp_path)
    async with (
        lab.lease(cell(), RUN) as one,
        lab.lease(cell(), RUN) as two,
        lab.lease(cell("sa8255"), RUN) as three,
    ):
        assert [device.facts.name for device in (one, two, three)] == [
            "sim-sm8750",
            "sim-sm8750",
            "sim-sa8255",
        ]
        assert one.origin is Origin.SIMULATOR


async def test_a_device_is_leased_to_one_at_a_time(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, only="sm8750")
    holders, most = 0, 0

    async def use() -> None:
        nonlocal holders, most
        async with lab.lease(cell(), RUN) as device:
            assert device.facts.name == "only"
            holders += 1
            most = max(most, holders)
            await asyncio.sleep(0)
            holders -= 1

    async with asyncio.timeout(600), asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(use())
    assert most == 1


async def test_of_a_runs_cells_that_wait_the_one_that_needs_a_device_longest_gets_it(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, only="sm8750")
    cells = [Cell(model=model(name), soc="sm8750") for name in ("short", "long", "middling")]
    known = {
        of.key: Forecast(1.0, seconds, 1.0) for of, seconds in zip(cells, (5.0, 90.0, 30.0), strict=True)
    }
    expected = Expectations(known, measured=["sm8750"])
    pipeline = Pipeline(cells, {"sm8750": 1}, 8, Host(), tmp_path, expected)
    got: list[str] = []

    async def use(of: Cell) -> None:
        async with open_work(of, lab, RUN, pipeline) as work, work.lease():
            got.append(of.model.name)

    async with asyncio.timeout(600), asyncio.TaskGroup() as group, lab.lease(cell(), RUN) as device:
        async for of in pipeline:
            group.create_task(use(of))
        while len(lab.leases.states([str(device.facts.address)])[0].waiting) < len(cells):
            await asyncio.sleep(0.01)
    assert got == ["long", "middling", "short"]


async def test_devices_of_one_soc_work_side_by_side(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, a="sm8750", b="sm8750", c="sa8255")
    async with asyncio.timeout(600), lab.lease(cell(), RUN) as one, lab.lease(cell(), RUN) as two:
        assert {one.facts.name, two.facts.name} == {"a", "b"}


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_device_is_given_back_and_cleaned_however_its_lease_ends(
    tmp_path: Path, error: type[BaseException]
) -> None:
    lab = lab_with(tmp_path, only="sm8750")
    with pytest.raises(error):  # noqa: PT012
        async with lab.lease(cell(), RUN) as device:
            await device.open_job()
            raise error
    assert list(tmp_path.glob("job-*")) == []
    async with asyncio.timeout(600), lab.lease(cell(), RUN) as again:
        assert again.facts.name == "only"


async def test_waiting_for_a_device_can_be_cancelled(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, only="sm8750")

    async def wait() -> None:
        async with lab.lease(cell(), RUN):
            pytest.fail("the device is taken")

    async with lab.lease(cell(), RUN):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with asyncio.timeout(600), lab.lease(cell(), RUN):
        pass


async def test_a_labs_scratch_space_goes_when_it_closes(tmp_path: Path) -> None:
    site = Site(store=str(tmp_path / "store"), sdk=SdkRef(root=build_fake_sdk(tmp_path / "sdk")))
    async with open_lab(site) as lab:
        (lab.scratch / "file").touch()
    assert not lab.scratch.exists()
    assert not (tmp_path / "store").exists()


async def test_what_is_packed_for_the_store_lies_in_the_labs_scratch_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []

    def pack(source: Path, target: Path) -> Path:
        places.append(target.parent)
        return gzipped(source, target)

    monkeypatch.setattr("qhas.machine.packing.gzipped", pack)
    (tmp_path / "trace.json").write_bytes(bytes(2 << 20))  # small files are packed in memory
    site = Site(store=str(tmp_path / "store"), sdk=SdkRef(root=build_fake_sdk(tmp_path / "sdk")))
    async with open_lab(site) as lab:
        lab.store.upload(
            "runs/one", [Upload("chrometrace", tmp_path / "trace.json", "t.json", compress=True)]
        )
        assert places == [lab.scratch]


# Who is to blame


async def fails(lab: Lab, network: str, kind: FailureKind, avoid: Collection[str] = ()) -> str:
    """Fail a cell of the network on a device, and return the device's address."""
    with pytest.raises(StepFailed):
        async with lab.lease(Cell(model=model(network), soc="sm8750"), RUN, avoid) as device:
            raise StepFailed(kind, Step.NET_RUN, "what happened")
    return str(device.facts.address)


@pytest.fixture
def own_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases of the test's own: failures are noted beside them."""
    monkeypatch.setenv("QHAS_LEASES", str(tmp_path / "leases"))


def set_aside(lab: Lab) -> list[str]:
    return [ref.name for ref in lab.site.devices if lab.quarantine.status(ref.address)]


BY_NETWORK = [kind for kind in FailureKind if FACTS[kind].network_may_cause]


@pytest.mark.usefixtures("own_leases")
@pytest.mark.parametrize("kind", BY_NETWORK)
async def test_a_network_that_brings_every_device_down_sets_none_aside(
    tmp_path: Path, kind: FailureKind
) -> None:
    lab = lab_with(tmp_path, a="sm8750", b="sm8750")
    for network in ("bad", "worse", "worst"):
        for _ in range(2):  # two variants
            first = await fails(lab, network, kind)
            assert await fails(lab, network, kind, avoid=[first]) != first
    assert set_aside(lab) == []


@pytest.mark.usefixtures("own_leases")
@pytest.mark.parametrize("kind", BY_NETWORK)
async def test_a_device_that_different_networks_bring_down_is_set_aside(
    tmp_path: Path, kind: FailureKind
) -> None:
    lab = lab_with(tmp_path, only="sm8750")
    for network in ("one", "two", "three"):
        await fails(lab, network, kind)
    assert set_aside(lab) == ["only"]


@pytest.mark.usefixtures("own_leases")
async def test_a_device_that_cannot_be_reached_is_to_blame_whatever_ran_elsewhere(tmp_path: Path) -> None:
    lab = lab_with(tmp_path, a="sm8750", b="sm8750")
    address = {ref.name: ref.address for ref in lab.site.devices}
    for _ in range(3):
        await fails(lab, "net", FailureKind.DEVICE_OFFLINE, avoid=[address["b"]])
    assert set_aside(lab) == ["a"]
