"""Every way to reach a device is a row of one table."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qhas.devices.opening import open_shell, to_its_end
from qhas.devices.shell import Shell
from qhas.failures import DeviceFailed, FailureKind
from qhas.site import TRANSPORTS, DeviceRef, Transport


def ref(transport: Transport, **keys: Any) -> DeviceRef:
    return DeviceRef(name="board", soc="sm8750", transport=transport, **keys)


def test_this_machine_is_the_only_device_without_a_way_to_it() -> None:
    assert {*TRANSPORTS, Transport.HOST} == set(Transport)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_transport_opens_a_shell_at_the_address_and_knows_its_place_there(
    transport: Transport, tmp_path: Path
) -> None:
    facts = TRANSPORTS[transport]
    device = ref(transport, **{facts.address: "10.0.0.7"})
    shell = open_shell(device, tmp_path)
    assert isinstance(shell, Shell)
    assert "10.0.0.7" in shell.command("true")
    assert device.address == f"{transport}:10.0.0.7"
    assert (device.root, device.sdk_target) == (facts.directory, facts.target)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_device_has_the_address_of_its_transport_and_no_other(transport: Transport) -> None:
    addresses = {facts.address: "10.0.0.7" for facts in TRANSPORTS.values()}
    for wrong in ({}, addresses):
        with pytest.raises(ValidationError, match="is for transport"):
            ref(transport, **wrong)


def test_a_simulated_device_has_no_address() -> None:
    assert ref(Transport.HOST).address == "host:board"
    with pytest.raises(ValidationError, match="`serial` is for transport adb"):
        ref(Transport.HOST, serial="3b15aq0")


async def test_a_clean_up_goes_to_its_end_through_cancellations() -> None:
    steps, gate = [], asyncio.Event()

    async def clean() -> None:
        steps.append("begun")
        await gate.wait()
        steps.append("done")

    leaving = asyncio.create_task(to_its_end(clean()))
    for _ in range(2):
        await asyncio.sleep(0)
        leaving.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert steps == ["begun", "done"]


async def test_a_device_that_cannot_be_reached_is_left_to_its_next_lease() -> None:
    async def clean() -> None:
        raise DeviceFailed(FailureKind.DEVICE_OFFLINE, "gone")

    await to_its_end(clean())
