"""A cell whose device fails is run on another one; a device that fails repeatedly is quarantined."""

from __future__ import annotations

import time

import pytest

from fakes.devices import DeviceFault, DeviceRule
from fakes.sdk import Tool, order
from qhas.devices.quarantine import QuarantineLog
from qhas.failures import FailureKind, Step
from qhas.lab.lab import open_lab
from tests.rack.conftest import RackOf
from tests.rack.rack import PROFILED, Rack, leases_of, runs

pytestmark = pytest.mark.xdist_group("rack")  # whose tests each wait long

GATE = {"patience_seconds": 0.3, "poll_seconds": 0.1}


def attempts_on(record: object, device: str) -> list[Step]:
    return [attempt.step for attempt in record.attempts if attempt.device == device]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "fault",
    [
        DeviceFault.DROP,
        *(pytest.param(f, marks=pytest.mark.slow) for f in (DeviceFault.OFFLINE, DeviceFault.DIE)),
    ],
)
async def test_a_cell_whose_phone_goes_away_in_the_run_completes_on_the_other(
    rack_of: RackOf, fault: DeviceFault
) -> None:
    rack = rack_of(one="sm8750", other="sm8750")
    order(rack.sdk, durations={Tool.NET_RUN: 0.4})
    rack.devices["one"].order(DeviceRule(PROFILED, fault, after_seconds=0.1))
    (record,) = await rack.run(rack.cell())
    assert record.failure is None
    assert record.device
    assert record.device.name == "other"
    assert attempts_on(record, "one") == [Step.DEVICE, Step.NET_RUN]
    assert attempts_on(record, "other")[:3] == [Step.DEVICE, Step.NET_RUN, Step.LOGS]
    lost = [attempt for attempt in record.attempts if attempt.failure]
    assert [(a.device, a.step, a.failure) for a in lost] == [
        ("one", Step.NET_RUN, FailureKind.DEVICE_OFFLINE)
    ]
    assert [len(runs(phone)) for phone in rack.devices.values()] == [1, 1]
    if fault is not DeviceFault.DIE:
        rack.devices["one"].recover()
        async with open_lab(rack.site) as lab:  # the device's next user finds the remains and cleans up
            device = lab.device(lab.site.devices[0])
            await device.make_ready(print)
            await device.clean()
    rack.require_clean()


@pytest.mark.slow
async def test_a_phone_that_fails_three_times_is_set_aside_and_the_other_serves_at_once(
    rack_of: RackOf,
) -> None:
    rack = rack_of({"gate": GATE}, one="sm8750", other="sm8750")
    rack.devices["one"].set(skin=60.0)
    async with open_lab(rack.site) as lab:
        for number in range(3):
            (record,) = await rack.run(rack.cell(f"net{number}"), lab=lab)
            assert record.failure is None
            assert attempts_on(record, "one") == [Step.DEVICE]
        assert lab.quarantine.status(rack.address("one"))
        (record,) = await rack.run(rack.cell("last"), lab=lab)
    assert record.failure is None
    assert attempts_on(record, "one") == []
    rack.require_clean()


async def test_a_cell_fails_when_its_only_phone_is_set_aside_and_runs_when_that_is_well(
    rack_of: RackOf,
) -> None:
    rack = rack_of({"gate": GATE}, phone="sm8750")
    set_aside(rack, 60.0)
    async with open_lab(rack.site) as lab:
        (record,) = await rack.run(rack.cell(), lab=lab)
        assert record.failure
        assert record.failure.kind is FailureKind.DEVICES_QUARANTINED
        assert "it was dropped" in record.failure.message
        assert not runs(rack.devices["phone"])
        await lab.device(lab.site.devices[0]).make_ready(print)  # as `qhas devices --check` does
        lab.quarantine.note_success(rack.address("phone"))
        (record,) = await rack.run(rack.cell("next"), lab=lab)
    assert record.failure is None
    rack.require_clean()


@pytest.mark.slow
async def test_a_phone_comes_back_by_itself_when_its_time_is_over(rack_of: RackOf) -> None:
    rack = rack_of({"gate": GATE | {"patience_seconds": 30}}, phone="sm8750")
    over = time.time() + 1.5
    set_aside(rack, 1.5)
    (record,) = await rack.run(rack.cell())
    assert record.failure is None
    assert min(command.start for command in rack.devices["phone"].commands()) >= over
    assert QuarantineLog(leases_of(rack.folder)).entry(rack.address("phone")) is None
    rack.require_clean()


def set_aside(rack: Rack, seconds: float) -> None:
    """Report failures of the phone until it is quarantined."""
    log = QuarantineLog(leases_of(rack.folder), first_period_seconds=seconds)
    while not log.note_failure(rack.address("phone"), "it was dropped"):
        pass
