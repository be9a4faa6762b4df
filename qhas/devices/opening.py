"""From a device as site.yaml has it to one that can be worked with, and its clean end. The transports are `TRANSPORTS`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from qhas.devices import Device
from qhas.devices.host import HostDevice
from qhas.failures import DeviceFailed
from qhas.machine.cores import Cores
from qhas.site import TRANSPORTS, DeviceRef, Gate, Transport
from qhas.site.sdk import Sdk

if TYPE_CHECKING:
    from qhas.devices.remote import KnownDevices
    from qhas.devices.shell import Shell


def open_shell(ref: DeviceRef, scratch: Path) -> Shell:
    """The way to a phone or a board."""
    opened_by: Callable[[DeviceRef, Path], Shell] = resolve_name(TRANSPORTS[ref.transport].opened_by)
    return opened_by(ref, scratch)


def open_device(
    ref: DeviceRef, *, sdk: Sdk, scratch: Path, cores: Cores, gate: Gate, known: KnownDevices
) -> Device:
    """A device, not leased and not yet reached. `gate` is for one without a gate of its own."""
    if ref.transport is Transport.HOST:
        return HostDevice(ref, sdk, scratch, cores)
    from qhas.devices.remote import RemoteDevice

    return RemoteDevice(ref, open_shell(ref, scratch), sdk, ref.gate or gate, known)


async def to_its_end(cleaning: Coroutine[Any, Any, None]) -> None:
    """Await a device's clean-up through cancellations, which are passed on afterwards. An unreachable device is left to its next lease."""
    task = asyncio.ensure_future(cleaning)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    with suppress(DeviceFailed):
        task.result()
    if cancelled:
        raise cancelled
