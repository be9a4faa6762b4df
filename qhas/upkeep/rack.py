"""The devices of a site: who uses them now, and whether each is fit for work.

`standings` only reads the files that the processes of this host share, so it is quick and disturbs no run. `check`
takes each device's lease for as long as it checks the device.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack, suppress
from enum import StrEnum
from pathlib import Path

from qhas.devices import Device
from qhas.devices.facts import DeviceFacts, Health
from qhas.devices.lease import Holder, Leases, LeaseState
from qhas.devices.opening import to_its_end
from qhas.devices.quarantine import Quarantined, QuarantineLog
from qhas.documents import Stored
from qhas.failures import FACTS, DeviceFailed, FailureKind, InvalidInput
from qhas.lab.lab import Lab
from qhas.machine.scratch import Scratch
from qhas.machine.shared_directory import SharedDirectory, file_stem
from qhas.site import DeviceRef, Site, Transport

CHECK_RUN = "devices-check"
"""What the lease has in place of a run's id while a device is checked."""
BUSY_SECONDS = 3.0
"""How long a check waits for a device that is held by someone else."""
_SAMPLE_BYTES = 64 << 10
_UNREACHED = (FailureKind.DEVICE_OFFLINE, FailureKind.DEVICE_UNAUTHORIZED, FailureKind.CLIENT_BROKEN)


class Standing(Stored):
    """A device of the site and who uses it, according to this host's shared files."""

    name: str
    soc: str
    transport: Transport
    address: str
    lease: LeaseState
    probation: Quarantined | None = None
    """Its last quarantine, if that is over and no success has followed."""
    used: bool
    """Whether it has been requested on this host since the lease directory was created."""

    @property
    def good(self) -> bool:
        """Whether a cell may be given to it."""
        return self.lease.quarantine is None


def standings(site: Site, directory: Path) -> list[Standing]:
    """Return every device of the site, in its order, without contacting the devices. Raises InvalidInput.

    `directory` is that of the leases.
    """
    states = Leases(directory).states([ref.address for ref in site.devices])
    files, quarantine = SharedDirectory(directory).names(), QuarantineLog(directory)
    return [
        Standing(
            name=ref.name,
            soc=ref.soc,
            transport=ref.transport,
            address=ref.address,
            lease=state,
            probation=None if state.quarantine else quarantine.entry(ref.address),
            used=any(name.startswith(f"{file_stem(ref.address)}.") for name in files),
        )
        for ref, state in zip(site.devices, states, strict=True)
    ]


class Outcome(StrEnum):
    """How a check ended."""

    GOOD = "good"
    """It was reached, is what the site says, passes the gate, has the SDK, and returned a file intact."""
    SIMULATED = "simulated"
    """This host stands in for it: there is nothing to check."""
    BUSY = "busy"
    """It is in use: it was not checked."""
    FAILED = "failed"
    """The failure says why no cell can run on it."""


class Complaint(Stored):
    """Why no cell can run on a device, and the next step."""

    kind: FailureKind
    message: str
    hint: str


class Check(Stored):
    """The result of checking one device. `facts` and `health` are what it reported until any failure."""

    name: str
    outcome: Outcome
    facts: DeviceFacts
    health: Health | None = None
    failure: Complaint | None = None
    holder: Holder | None = None
    """Who holds it, if it is busy."""
    brought_back: bool = False
    """Whether it had been quarantined and may be used again."""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it, as far as it was checked."""
        return self.outcome is not Outcome.FAILED


async def check(lab: Lab, done: Callable[[Check], None] = lambda _: None) -> list[Check]:
    """Check every device of the lab's site, all at once; results are in the site's order.

    `done` is called with each result as soon as it is available. No failure of one device keeps the others from their
    results. Raises InvalidInput if a device's lock file is not a plain file.
    """

    async def one(ref: DeviceRef) -> Check:
        check = await _check_one(lab, ref)
        done(check)
        return check

    try:
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(one(ref)) for ref in lab.site.devices]
    except* InvalidInput as refused:  # an unusable lock file: nothing to do with the device
        raise refused.exceptions[0] from None
    return [task.result() for task in running]


async def _check_one(lab: Lab, ref: DeviceRef) -> Check:
    device = lab.device(_impatient(ref, lab.site))
    if ref.transport is Transport.HOST:
        return Check(name=ref.name, outcome=Outcome.SIMULATED, facts=device.facts)
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await stack.enter_async_context(
                    lab.leases.take(
                        [ref.address], Holder.here(CHECK_RUN, f"check of {ref.name}"), ignore_quarantine=True
                    )
                )
        except TimeoutError:
            (state,) = lab.leases.states([ref.address])
            return Check(name=ref.name, outcome=Outcome.BUSY, facts=device.facts, holder=state.holder)
        result = await _look(device, ref.name)
    if result.outcome is Outcome.GOOD:
        back = await asyncio.to_thread(lab.quarantine.note_success, ref.address)
        result = result.model_copy(update={"brought_back": back})
    return result


async def _look(device: Device, name: str) -> Check:
    """Make a leased device ready as for a cell, and leave it clean."""
    health: Health | None = None
    failure: Complaint | None = None
    try:
        try:
            facts = await device.make_ready(lambda _: None)
            health = facts.before if facts else None
            await _there_and_back(device)
        except DeviceFailed as error:
            failure = _complaint(error.kind, str(error))
            health = await _health_of(device, error.kind)
        finally:
            await to_its_end(device.clean())
    except Exception as error:  # an error of ours with one device must not hide the results of the others
        failure = failure or _complaint(FailureKind.INTERNAL, f"{name}: {type(error).__name__}: {error}.")
    outcome = Outcome.FAILED if failure else Outcome.GOOD
    return Check(name=name, outcome=outcome, facts=device.facts, health=health, failure=failure)


async def _there_and_back(device: Device) -> None:
    """Send a file and fetch it as a cell does its artifacts. Raises DeviceFailed."""
    job = await device.open_job()
    with Scratch() as folder:
        sent, fetched = folder / "sent", folder / "fetched"
        await asyncio.to_thread(sent.write_bytes, secrets.token_bytes(_SAMPLE_BYTES))
        await job.stage(sent, "check.bin")
        await job.fetch("check.bin", fetched)
    await job.discard()


def _complaint(kind: FailureKind, message: str) -> Complaint:
    return Complaint(kind=kind, message=message, hint=FACTS[kind].hint)


async def _health_of(device: Device, kind: FailureKind) -> Health | None:
    """Return the condition of a device that answered, but not as it should."""
    if kind in _UNREACHED:
        return None
    with suppress(DeviceFailed):
        return await device.health()
    return None


def _impatient(ref: DeviceRef, site: Site) -> DeviceRef:
    """Return the device with a gate that does not wait: a hot one is reported at once."""
    gate = (ref.gate or site.gate).model_copy(update={"patience_seconds": 0.0})
    return ref.model_copy(update={"gate": gate})


def all_good(rack: Collection[Standing | Check]) -> bool:
    """Whether none of the devices is quarantined or failed its check. Busy ones count as good."""
    return all(each.good for each in rack)
