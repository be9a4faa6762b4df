"""Which cell gets which device, and which device is to blame for a failure."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from qhas.devices import Device
from qhas.devices.lease import Holder, Leases, LeaseState, NoDevice
from qhas.devices.opening import to_its_end
from qhas.devices.quarantine import QuarantineLog
from qhas.failures import FACTS, Failure, FailureKind, Step, StepFailed
from qhas.runs import progress
from qhas.site import DeviceRef, Site
from qhas.sweep.spec import Cell


class Blame:
    """A record of the failures that devices are to blame for, and of their successes. Any thread may note.

    A failure that a network may cause counts against the first device only, until the network fails in this way on a
    second one: then it is attributed to the network, and withdrawn from the device.
    """

    def __init__(self, quarantine: QuarantineLog) -> None:
        self._quarantine = quarantine
        self._lock = threading.Lock()
        self._struck: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        """By network and SoC, addresses of the devices that had a failure which the network may cause."""

    def note_success(self, ref: DeviceRef) -> None:
        """Note that the device finished its work."""
        self._quarantine.note_success(ref.address)

    def note_failure(self, ref: DeviceRef, cell: Cell, failure: Failure) -> None:
        """Note that the cell failed on the device."""
        facts, address = FACTS[failure.kind], ref.address
        with self._lock:
            if (facts.network_may_cause and self._is_networks(address, cell)) or not facts.blames_device:
                return
            before = self._quarantine.entry(address)
            after = self._quarantine.note_failure(address, failure.message)
        if after and (before is None or before.since < after.since):
            progress.report(progress.DeviceQuarantined(ref.name, ref.soc, after))

    def _is_networks(self, address: str, cell: Cell) -> bool:
        """Whether the network has failed like this on another device too; with the second, the first is cleared."""
        struck = self._struck[cell.model.name, cell.soc]
        if address not in struck and len(set(struck)) == 1:
            for first in struck:
                self._quarantine.withdraw_failure(first)
        struck.append(address)
        return len(set(struck)) > 1


class Lending:
    """The devices of a site, each lent to one cell at a time."""

    def __init__(
        self,
        site: Site,
        leases: Leases,
        quarantine: QuarantineLog,
        open_device: Callable[[DeviceRef, Cell], Device],
    ) -> None:
        self._site = site
        self._leases = leases
        self._blame = Blame(quarantine)
        self._open_device = open_device

    @asynccontextmanager
    async def lease(
        self, cell: Cell, run_id: str, avoid: Collection[str] = (), expected_seconds: float = 0.0
    ) -> AsyncIterator[Device]:
        """Lease a device of the cell's SoC exclusively and leave it clean; one of `avoid` only if there is no other.

        A cell that is expected to need it longer comes before others of this run. Devices that fail repeatedly are
        quarantined. If site.yaml lists no devices, a simulated one is available at once. Raises StepFailed if every
        device of the SoC is quarantined.
        """
        if not self._site.devices:
            async with self._open(DeviceRef(name=f"sim-{cell.soc}", soc=cell.soc), cell) as device:
                yield device
            return
        refs = {ref.address: ref for ref in self._site.devices if ref.soc == cell.soc}
        try:
            async with (
                self._leases.take(
                    list(refs),
                    Holder.here(run_id, cell.label),
                    avoid=avoid,
                    waiting=lambda states: progress.report(
                        progress.Waiting(cell, _why_waiting(refs, states))
                    ),
                    patience_seconds=self._site.gate.patience_seconds,
                    expected_seconds=expected_seconds,
                ) as address,
                self._blamed(refs[address], cell),
                self._open(refs[address], cell) as device,
            ):
                yield device
        except NoDevice as error:
            message = str(error)
            for address, ref in refs.items():
                message = message.replace(address, ref.name)
            raise StepFailed(FailureKind.DEVICES_QUARANTINED, Step.DEVICE, message) from error

    @asynccontextmanager
    async def _blamed(self, ref: DeviceRef, cell: Cell) -> AsyncIterator[None]:
        try:
            yield
        except StepFailed as error:
            await asyncio.to_thread(self._blame.note_failure, ref, cell, error.failure)
            raise
        await asyncio.to_thread(self._blame.note_success, ref)

    @asynccontextmanager
    async def _open(self, ref: DeviceRef, cell: Cell) -> AsyncIterator[Device]:
        """Open the device, and clean it at the end, even on cancellation."""
        device = self._open_device(ref, cell)
        try:
            yield device
        finally:
            await to_its_end(device.clean())


def _why_waiting(refs: Mapping[str, DeviceRef], states: list[LeaseState]) -> str:
    """Say in a sentence who holds the devices of a SoC, and since when."""
    states_of_devices = "; ".join(f"{refs[state.address].name} {_state_of(state)}" for state in states)
    return f"waiting for {refs[states[0].address].soc}: {states_of_devices}"


def _state_of(state: LeaseState) -> str:
    if state.quarantine:
        return f"is quarantined ({state.quarantine.reason.rstrip('.')})"
    if holder := state.holder:
        return f"is held by run {holder.run_id} for {holder.cell} since {holder.since:%H:%M:%S} UTC"
    if state.stranger:
        return f"is locked by {state.stranger} for an unknown purpose"
    return f"is next for {state.waiting[0].cell}" if state.waiting else "is free"
