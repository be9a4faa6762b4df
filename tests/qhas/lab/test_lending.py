"""Which device or network is to blame for a failure, decided without any device."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes.records import model
from qhas.devices.quarantine import Quarantined, QuarantineLog
from qhas.failures import Failure, FailureKind, Step
from qhas.lab.lending import Blame
from qhas.site import DeviceRef
from qhas.sweep.spec import Cell

CELL = Cell(model=model(), soc="sm8750")
A, B = (DeviceRef(name=name, soc="sm8750") for name in "ab")


def crash() -> Failure:
    return Failure.of(FailureKind.DSP_CRASHED, Step.NET_RUN, "the DSP died")


class SlowLog(QuarantineLog):
    """Notes a failure once another one has been withdrawn, or after 0.3 s."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, threshold=1)
        self.withdrawn = threading.Event()

    def note_failure(self, address: str, reason: str) -> Quarantined | None:
        self.withdrawn.wait(0.3)
        return super().note_failure(address, reason)

    def withdraw_failure(self, address: str) -> None:
        super().withdraw_failure(address)
        self.withdrawn.set()


def test_devices_that_fail_at_the_same_moment_are_judged_one_after_the_other(tmp_path: Path) -> None:
    log = SlowLog(tmp_path)
    blame = Blame(log)
    with ThreadPoolExecutor() as threads:
        for noted in [threads.submit(blame.note_failure, ref, CELL, crash()) for ref in (A, B)]:
            noted.result()
    assert [log.status(ref.address) for ref in (A, B)] == [None, None]


def test_a_device_is_to_blame_until_another_fails_with_the_same_network(tmp_path: Path) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    blame = Blame(log)
    blame.note_failure(A, CELL, crash())
    assert log.status(A.address)
    blame.note_failure(B, CELL, crash())
    assert [log.status(ref.address) for ref in (A, B)] == [None, None]


@pytest.mark.parametrize("kind", [FailureKind.TOOL_CRASHED, FailureKind.STORE])
def test_what_is_no_fault_of_a_device_is_not_noted(tmp_path: Path, kind: FailureKind) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    Blame(log).note_failure(A, CELL, Failure.of(kind, Step.NET_RUN, "it failed"))
    assert log.status(A.address) is None


def test_a_success_clears_a_device(tmp_path: Path) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    blame = Blame(log)
    blame.note_failure(A, CELL, Failure.of(FailureKind.DEVICE_OFFLINE, Step.DEVICE, "gone"))
    assert log.status(A.address)
    blame.note_success(A)
    assert log.status(A.address) is None
