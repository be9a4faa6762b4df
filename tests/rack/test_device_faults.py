"""Devices and connections that fail, at every step: the failure kind, the attempts, and what the next cell finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fakes.devices import DeviceFault, DeviceRule
from fakes.sdk import Tool, order
from qhas.failures import FACTS, Again, FailureKind, Step
from qhas.lab.lab import open_lab
from qhas.runs.record import CellRecord
from tests.rack.conftest import RackOf
from tests.rack.rack import PROFILED, TIMED, FakeDevice, runs

pytestmark = pytest.mark.xdist_group("rack")  # whose tests each wait long

TOP = {"phone": "/data/local/tmp/qhas", "board": "/opt/qhas"}
Strike = Callable[[FakeDevice], None]


def rule(when: str, fault: DeviceFault = DeviceFault.DROP, **more: Any) -> Strike:
    """Order a fault for as many times as a cell may try."""
    return lambda device: device.order(DeviceRule(when, fault, **{"times": 3, **more}))


def state(**changes: Any) -> Strike:
    """Change what the device reports about itself."""
    return lambda device: device.set(**changes)


@dataclass(frozen=True)
class Case:
    """The fault, the failure it ends in, and that failure's step: the one at which the last lease fails."""

    strike: Strike
    kind: FailureKind
    step: Step
    says: str = ""
    device: str = "phone"
    ref: dict[str, Any] = field(default_factory=dict)
    repetitions: int = 0


CASES = {
    # The connection is lost: retried on a new lease, three in all.
    "connection lost while made ready": Case(
        rule("qhas-probe"), FailureKind.DEVICE_OFFLINE, Step.DEVICE, "lost"
    ),
    "connection lost while the SDK is pushed": Case(
        rule("push /data/local/tmp/qhas/sdk"), FailureKind.DEVICE_OFFLINE, Step.DEVICE, "lost during push"
    ),
    "connection lost while a network is pushed": Case(
        rule("push /data/local/tmp/qhas/staged"), FailureKind.DEVICE_OFFLINE, Step.NET_RUN, "lost during push"
    ),
    "connection lost in the latency pass": Case(
        rule(TIMED, after_seconds=0.1), FailureKind.DEVICE_OFFLINE, Step.LATENCY, "lost", repetitions=2
    ),
    "connection lost in the profiled run": Case(
        rule(PROFILED, after_seconds=0.1), FailureKind.DEVICE_OFFLINE, Step.NET_RUN, "lost"
    ),
    "connection lost while the log is pulled": Case(
        rule("pull /data/local/tmp/qhas/jobs"), FailureKind.DEVICE_OFFLINE, Step.LOGS, "lost during pull"
    ),
    "push cut in the middle": Case(
        rule("push /data/local/tmp/qhas/staged", DeviceFault.CUT_TRANSFER, after_bytes=100),
        FailureKind.DEVICE_OFFLINE,
        Step.NET_RUN,
        "lost during push",
    ),
    "pull cut in the middle": Case(
        rule("pull profilelogs", DeviceFault.CUT_TRANSFER, after_bytes=100),
        FailureKind.DEVICE_OFFLINE,
        Step.LOGS,
        "lost during pull",
    ),
    "board lost while made ready": Case(
        rule("qhas-probe"), FailureKind.DEVICE_OFFLINE, Step.DEVICE, "lost", device="board"
    ),
    "board lost in the profiled run": Case(
        rule(PROFILED, after_seconds=0.1), FailureKind.DEVICE_OFFLINE, Step.NET_RUN, "lost", device="board"
    ),
    "board lost while the log is pulled": Case(
        rule("profilelogs/qnn", times=6), FailureKind.DEVICE_OFFLINE, Step.LOGS, "lost", device="board"
    ),
    # The copy differs from the original: the transfer is retried in the same lease.
    "SDK damaged on the way": Case(
        rule("push libSNPE.so", DeviceFault.CORRUPT_TRANSFER, after_bytes=0),
        FailureKind.TRANSFER_CUT,
        Step.DEVICE,
        "libSNPE.so of the SDK did not arrive intact",
    ),
    "network damaged on the way": Case(
        rule("push /data/local/tmp/qhas/staged", DeviceFault.CORRUPT_TRANSFER, after_bytes=50),
        FailureKind.TRANSFER_CUT,
        Step.NET_RUN,
        "prepared.dlc did not arrive intact",
    ),
    "log damaged on the way": Case(
        rule("pull profilelogs", DeviceFault.CORRUPT_TRANSFER, after_bytes=50),
        FailureKind.TRANSFER_CUT,
        Step.LOGS,
        "did not arrive intact",
    ),
    # The device's identity and condition.
    "no key": Case(
        rule("qhas-reaper", DeviceFault.UNAUTHORISED),
        FailureKind.DEVICE_UNAUTHORIZED,
        Step.DEVICE,
        "unauthorized",
    ),
    "no key on a board": Case(
        rule("qhas-reaper", DeviceFault.UNAUTHORISED),
        FailureKind.DEVICE_UNAUTHORIZED,
        Step.DEVICE,
        "Permission denied",
        device="board",
    ),
    "daemon dies in the profiled run": Case(
        rule(PROFILED, DeviceFault.DIE, after_seconds=0.1),
        FailureKind.DEVICE_OFFLINE,
        Step.DEVICE,
        "not found",
    ),
    "silent while the log is pulled": Case(
        rule("pull profilelogs", DeviceFault.OFFLINE),
        FailureKind.DEVICE_OFFLINE,
        Step.DEVICE,
        ref={"answer_seconds": 4},
    ),
    "silent in the profiled run": Case(
        rule(PROFILED, DeviceFault.HANG, times=2), FailureKind.DEVICE_TIMED_OUT, Step.NET_RUN, "within 15 s"
    ),
    "hot": Case(
        state(skin=55.0), FailureKind.DEVICE_HOT, Step.DEVICE, "skin is at 55 °C; the gate allows 40 °C"
    ),
    "throttled": Case(
        state(thermal_status=3),
        FailureKind.DEVICE_HOT,
        Step.DEVICE,
        "thermal status is at 3; the gate allows 0",
    ),
    "battery low": Case(
        state(battery=12, charging=False), FailureKind.DEVICE_BATTERY_LOW, Step.DEVICE, "battery is at 12 %"
    ),
    "another SoC": Case(
        state(soc_model="SM8550", platform="kalama", soc_id=519),
        FailureKind.SOC_MISMATCH,
        Step.DEVICE,
        "sm8550",
    ),
    "not writable": Case(
        rule("mkdir -p /data/local/tmp/qhas/jobs", DeviceFault.READ_ONLY),
        FailureKind.DEVICE_UNFIT,
        Step.DEVICE,
        "Read-only file system",
    ),
    "becomes read-only before the run": Case(
        rule("push /data/local/tmp/qhas/staged", DeviceFault.READ_ONLY, times=1),
        FailureKind.DEVICE_UNFIT,
        Step.DEVICE,
        "Read-only file system",
    ),
}
BY_DEFAULT = {"no key"}
GATE = {"patience_seconds": 0.2, "poll_seconds": 0.1, "free_mb": 1}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in BY_DEFAULT else pytest.mark.slow) for name in CASES]
)
async def test_a_fault_ends_in_its_kind_and_harms_no_other_cell(rack_of: RackOf, name: str) -> None:
    case = CASES[name]
    soc = {"phone": "sm8750", "board": "qcs9100"}[case.device]
    rack = rack_of({"gate": GATE}, **{case.device: {"soc": soc, "ref": case.ref}})
    device = rack.devices[case.device]
    order(rack.sdk, durations={Tool.NET_RUN: 0.3})
    well = device.state
    case.strike(device)
    timeout = 15 if "within 15 s" in case.says else 60
    bad = rack.cell("struck", soc, repetitions=case.repetitions, timeout_seconds=timeout)
    async with open_lab(rack.site) as lab:
        (struck,) = await rack.run(bad, lab=lab)
        assert_failed(struck, case)
        mend(device, well)
        await lab.device(lab.site.devices[0]).make_ready(print)  # as `qhas devices --check` does
        lab.quarantine.note_success(rack.address(case.device))
        (plain,) = await rack.run(rack.cell("plain", soc), lab=lab)
    assert plain.failure is None
    assert all(attempt.failure is None for attempt in plain.attempts)
    rack.require_clean()


def assert_failed(record: CellRecord, case: Case) -> None:
    """Check that the failure is the expected one, and was retried as often and where the table says."""
    facts, failure = FACTS[case.kind], record.failure
    assert failure
    assert (failure.kind, failure.step) == (case.kind, case.step)
    assert case.says in failure.message
    assert "\n" not in failure.message
    assert len(failure.message) < 400
    print(failure.message)
    assert failure.hint == facts.hint
    assert sum(attempt.failure is not None for attempt in record.attempts) == facts.attempts
    leases = [attempt for attempt in record.attempts if attempt.step is Step.DEVICE]
    if facts.again is Again.ELSEWHERE:
        assert len(leases) == facts.attempts
    elif case.step is not Step.DEVICE:
        assert len(leases) == 1


def mend(device: FakeDevice, well: Any) -> None:
    """Restore the device to what it was."""
    if device.alive:
        device.recover()
    else:
        device.reboot()
    device.state = well
    device.write_state()


async def test_a_connection_that_is_cut_once_costs_one_more_lease_and_nothing_else(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750")
    order(rack.sdk, durations={Tool.NET_RUN: 0.5})
    rule(PROFILED, after_seconds=0.1, times=1)(rack.devices["phone"])
    (record,) = await rack.run(rack.cell())
    assert record.failure is None
    assert [(a.step, a.failure) for a in record.attempts if a.failure] == [
        (Step.NET_RUN, FailureKind.DEVICE_OFFLINE)
    ]
    assert len(runs(rack.devices["phone"])) == 2
    rack.require_clean()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["phone", "board"])
async def test_a_device_without_space_is_full_and_not_broken(rack_of: RackOf, kind: str) -> None:
    soc = {"phone": "sm8750", "board": "qcs9100"}[kind]
    rack = rack_of({"gate": GATE | {"free_mb": 0}}, **{kind: {"soc": soc, "data_bytes": 400_000}})
    weights = rack.folder / "struck.dlc"
    rack.dlc("struck")
    assert weights.stat().st_size < 400_000
    device = rack.devices[kind]
    filler = device.root / device._scratch / "filler"  # another user's file
    async with open_lab(rack.site) as lab:
        (first,) = await rack.run(rack.cell("plain", soc), lab=lab)
        assert first.failure is None
        fill(filler)
        (struck,) = await rack.run(rack.cell("struck", soc), lab=lab)
        assert struck.failure
        assert struck.failure.kind is FailureKind.DEVICE_FULL
        filler.unlink()
        lab.quarantine.note_success(rack.address(kind))
        (after,) = await rack.run(rack.cell("after", soc), lab=lab)
    assert after.failure is None
    rack.require_clean()


def fill(path: Any) -> None:
    """Use up the space of a file system, except for a page or two."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return


async def test_a_gate_that_asks_for_more_space_than_there_is_says_so(rack_of: RackOf) -> None:
    rack = rack_of({"gate": GATE | {"free_mb": 50}}, phone={"soc": "sm8750", "data_bytes": 10_000_000})
    (record,) = await rack.run(rack.cell())
    assert record.failure
    assert record.failure.kind is FailureKind.DEVICE_FULL
    assert "50 MB are needed" in record.failure.message
    assert not runs(rack.devices["phone"])
