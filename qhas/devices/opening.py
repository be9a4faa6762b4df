"""Opening a device of site.yaml for use, and cleaning it up reliably. The transports are listed in `TRANSPORTS`."""

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
from qhas.machine.cancellation import outlast
from qhas.machine.cores import Cores
from qhas.site import TRANSPORTS, DeviceRef, Gate, Transport
from qhas.site.sdk import Sdk

if TYPE_CHECKING:
    from qhas.devices.remote import KnownDevices
    from qhas.devices.shell import Shell


def open_shell(ref: DeviceRef, scratch: Path) -> Shell:
    """Open the shell of a phone or a board."""
    opened_by: Callable[[DeviceRef, Path], Shell] = resolve_name(TRANSPORTS[ref.transport].opened_by)
    return opened_by(ref, scratch)


def open_device(
    ref: DeviceRef, *, sdk: Sdk, scratch: Path, cores: Cores, gate: Gate, known: KnownDevices
) -> Device:
    """Create a device that is neither leased nor reached yet. `gate` applies if it has no gate of its own."""
    if ref.transport is Transport.HOST:
        return HostDevice(ref, sdk, scratch, cores)
    from qhas.devices.remote import RemoteDevice

    return RemoteDevice(ref, open_shell(ref, scratch), sdk, ref.gate or gate, known)


async def to_its_end(cleaning: Coroutine[Any, Any, None]) -> None:
    """Await a device's clean-up despite cancellations, which are re-raised afterwards.

    An unreachable device is left for its next lease to clean.
    """
    task = asyncio.ensure_future(cleaning)
    cancelled = await outlast(task)
    with suppress(DeviceFailed):
        task.result()
    if cancelled:
        raise cancelled
