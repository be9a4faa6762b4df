# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""Which device a lease gets: none that is quarantined, and an avoided one only if no other is fit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qhas.devices.lease import Leases, NoDevice
from qhas.devices.quarantine import QuarantineLog
from tests.qhas.devices.leasing import POLL, A, B, holder, queued


async def test_a_retry_takes_another_device_than_the_one_it_avoids(leases: Leases) -> None:
    async with leases.take([A, B], holder(), avoid=[A]) as address:
        assert address == B


async def test_a_retry_waits_for_a_busy_device_rather_than_use_the_one_it_avoids(leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([B], holder()):

        async def retry() -> None:
            async with leases.take([A, B], holder(), avoid=[A]) as address:
                got.append(address)

        task = asyncio.create_task(retry())
        await asyncio.sleep(3 * POLL)
        assert got == []
    async with asyncio.timeout(600):
        await task
    assert got == [B]


async def test_an_avoided_device_is_used_when_it_is_the_only_one_fit(tmp_path: Path, leases: Leases) -> None:
    async with leases.take([A], holder(), avoid=[A]) as address:
        assert address == A
    QuarantineLog(tmp_path, threshold=1).note_failure(B, "no answer")
    async with leases.take([A, B], holder(), avoid=[A]) as address:
        assert address == A


async def test_a_device_set_aside_is_passed_over_but_for_those_who_repair_it(
    tmp_path: Path, leases: Leases
) -> None:
    entry = QuarantineLog(tmp_path, threshold=1).note_failure(A, "no answer")
    assert leases.states([A])[0].quarantine == entry
    async with leases.take([A, B], holder()) as address:
        assert address == B
    async with leases.take([A, B], holder(), ignore_quarantine=True) as address:
        assert address == A


async def test_when_all_devices_are_set_aside_the_reasons_are_told(tmp_path: Path, leases: Leases) -> None:
    now = datetime.now(UTC)
    log = QuarantineLog(tmp_path, threshold=1, clock=lambda: now)
    log.note_failure(A, "no answer")
    log.note_failure(B, "the DSP hangs")
    with pytest.raises(NoDevice) as refused:
        async with leases.take([A, B], holder(), patience_seconds=0):
            pytest.fail("nothing to take")
    assert f"adb:a since {now:%Y-%m-%d %H:%M:%S} UTC" in str(refused.value)
    assert "(no answer)" in str(refused.value)
    assert "(the DSP hangs)" in str(refused.value)
    assert list(tmp_path.glob("*.ticket")) == []


async def test_devices_set_aside_while_one_waits_for_them_end_the_waiting(
    tmp_path: Path, leases: Leases
) -> None:
    async def wait() -> None:
        async with leases.take([A], holder(), patience_seconds=0.05):
            pytest.fail("it was quarantined")

    async with asyncio.timeout(600), leases.take([A], holder()):
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.1)
        assert not task.done(), "a busy device is waited for without limit"
        QuarantineLog(tmp_path, threshold=1).note_failure(A, "no answer")
        with pytest.raises(NoDevice, match="no answer"):
            await task


@pytest.mark.parametrize("patience", [None, 60.0])
async def test_a_device_that_comes_back_is_waited_for(
    tmp_path: Path, leases: Leases, patience: float | None
) -> None:
    log = QuarantineLog(tmp_path, threshold=1, first_period_seconds=0.1)
    assert log.note_failure(A, "no answer")
    async with asyncio.timeout(600), leases.take([A], holder(), patience_seconds=patience):
        assert log.status(A) is None
        assert log.entry(A) is not None


async def test_a_success_noted_elsewhere_ends_the_waiting(tmp_path: Path, leases: Leases) -> None:
    log = QuarantineLog(tmp_path, threshold=1)
    log.note_failure(A, "no answer")
    got: list[str] = []
    async with queued(leases, [A], "waits", got) as task:
        assert log.note_success(A)
        await task
    assert got == [f"waits {A}"]
