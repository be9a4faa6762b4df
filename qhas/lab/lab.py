"""A site at work: its SDK, its store, its scratch space, and how much runs at once."""

from __future__ import annotations

import asyncio
import errno
import getpass
import os
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec

from qhas.devices import Device
from qhas.devices.lease import Holder, Leases, LeaseState, NoDevice, default_directory
from qhas.devices.opening import open_device, to_its_end
from qhas.devices.quarantine import QuarantineLog
from qhas.devices.remote import KnownDevices
from qhas.failures import FACTS, Failure, FailureKind, Step, StepFailed
from qhas.machine.cores import Cores
from qhas.machine.digest import file_digest
from qhas.machine.masking import error_at, masked, name_in
from qhas.machine.scratch import Scratch, remove_dead_scratch
from qhas.naming import safe_name
from qhas.runs import progress
from qhas.runs.record import ModelFacts, Origin
from qhas.site import DeviceRef, Site, Transport
from qhas.site.sdk import Sdk, find_sdk
from qhas.store import Store
from qhas.sweep.spec import Cell

if TYPE_CHECKING:
    from qhas.runs.sole_runner import Tenure

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Lab:
    """What the cells of one run share. Made by `open_lab`."""

    def __init__(self, site: Site, sdk: Sdk, store: Store, scratch: Path, cores: int) -> None:
        self.site = site
        self.sdk = sdk
        self.store = store
        self.scratch = scratch
        self.cores = Cores(cores)
        """A turn is held while a tool computes on this host."""
        self.tenure: Tenure | None = None
        """The right to store the run's cells; None where another process has it for this one, as for a site's part."""
        self.leases = Leases(directory := default_directory())
        self.quarantine = QuarantineLog(directory)
        self._struck: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        """Devices by network and SoC that failed as the network may cause."""
        self._known: KnownDevices = {}
        self._models: dict[str, tuple[Path, ModelFacts]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, key: str) -> asyncio.Lock:
        """One lock a key: cells of this run that need the same thing make it once."""
        return self._locks[key]

    def origin(self, soc: str) -> Origin:
        """Where figures for a SoC come from in this lab."""
        measured = any(ref.soc == soc and ref.transport is not Transport.HOST for ref in self.site.devices)
        return Origin.DEVICE if measured else Origin.SIMULATOR

    @asynccontextmanager
    async def lease(self, cell: Cell, run_id: str, avoid: Collection[str] = ()) -> AsyncIterator[Device]:
        """A device of the cell's SoC for oneself, left clean; one of `avoid` only where there is no other.

        Devices that fail again and again are set aside. Without devices in site.yaml, a simulated one at once.
        Raises StepFailed if every device of the SoC is set aside.
        """
        if not self.site.devices:
            async with self._open(DeviceRef(name=f"sim-{cell.soc}", soc=cell.soc)) as device:
                yield device
            return
        refs = {ref.address: ref for ref in self.site.devices if ref.soc == cell.soc}
        try:
            async with (
                self.leases.take(
                    list(refs),
                    _holder(run_id, cell),
                    avoid=avoid,
                    waiting=lambda states: progress.report(
                        progress.Waiting(cell, _why_waiting(refs, states))
                    ),
                    patience_seconds=self.site.gate.patience_seconds,
                ) as address,
                self._blamed(refs[address], cell),
                self._open(refs[address]) as device,
            ):
                yield device
        except NoDevice as error:
            message = str(error)
            for address, ref in refs.items():
                message = message.replace(address, ref.name)
            raise StepFailed(FailureKind.DEVICES_QUARANTINED, Step.DEVICE, message) from error

    @asynccontextmanager
    async def _blamed(self, ref: DeviceRef, cell: Cell) -> AsyncIterator[None]:
        """Note against the device what it is to blame for, and in its favour what went well."""
        try:
            yield
        except StepFailed as error:
            await asyncio.to_thread(self._note_failure, ref, cell, error.failure)
            raise
        await asyncio.to_thread(self.quarantine.note_success, ref.address)

    def _note_failure(self, ref: DeviceRef, cell: Cell, failure: Failure) -> None:
        facts, struck = FACTS[failure.kind], self._struck[cell.model.name, cell.soc]
        if facts.network_may_cause:
            if ref.address not in struck and len(set(struck)) == 1:
                for first in struck:
                    self.quarantine.withdraw_failure(first)
            struck.append(ref.address)
        network_is_to_blame = facts.network_may_cause and len(set(struck)) > 1
        if facts.blames_device and not network_is_to_blame:
            self._blame(ref, failure.message)

    def _blame(self, ref: DeviceRef, reason: str) -> None:
        before = self.quarantine.entry(ref.address)
        after = self.quarantine.note_failure(ref.address, reason)
        if after and (before is None or before.since < after.since):
            progress.report(progress.DeviceQuarantined(ref.name, ref.soc, after))

    @asynccontextmanager
    async def _open(self, ref: DeviceRef) -> AsyncIterator[Device]:
        """The device, clean at the end even if the end is a cancellation."""
        device = self.device(ref)
        try:
            yield device
        finally:
            await to_its_end(device.clean())

    def device(self, ref: DeviceRef) -> Device:
        """A device of site.yaml, not leased and not yet reached."""
        return open_device(
            ref,
            sdk=self.sdk,
            scratch=self.scratch,
            cores=self.cores,
            gate=self.site.gate,
            known=self._known,
        )

    async def model(self, address: str) -> tuple[Path, ModelFacts]:
        """The un-cached DLC as a local file with its digest; fetched once a run. Raises StepFailed."""
        async with self.lock(f"model {address}"):
            if address not in self._models:
                self._models[address] = await asyncio.to_thread(self._fetch_model, address)
            return self._models[address]

    def _fetch_model(self, address: str) -> tuple[Path, ModelFacts]:
        # The tools' messages name this copy, so it is called as its original.
        name = safe_name(name_in(address))
        target = Path(tempfile.mkdtemp(prefix="model-", dir=self.scratch)) / name
        try:
            fs, path = fsspec.core.url_to_fs(address)
            fs.get_file(path, str(target))
        except Exception as error:  # every fsspec backend raises its own
            if isinstance(error, OSError) and error.errno in _DISK_ERRORS:
                raise
            raise StepFailed(
                FailureKind.MODEL_UNREADABLE,
                Step.PREPARE,
                f"{masked(address)} cannot be read: {error_at(address, f'{type(error).__name__}: {error}')}.",
            ) from None  # its text has the address
        return target, ModelFacts(dlc=masked(address), sha256=file_digest(target), size=target.stat().st_size)


def _holder(run_id: str, cell: Cell) -> Holder:
    return Holder(
        run_id=run_id,
        cell=cell.label,
        pid=os.getpid(),
        host_user=getpass.getuser(),
        since=datetime.now(UTC),
    )


def _why_waiting(refs: Mapping[str, DeviceRef], states: list[LeaseState]) -> str:
    """Who has the devices of a SoC, since when, as a sentence."""
    told = "; ".join(f"{refs[state.address].name} {_state_of(state)}" for state in states)
    return f"waiting for {refs[states[0].address].soc}: {told}"


def _state_of(state: LeaseState) -> str:
    if state.quarantine:
        return f"is set aside ({state.quarantine.reason.rstrip('.')})"
    if holder := state.holder:
        return f"is held by run {holder.run_id} for {holder.cell} since {holder.since:%H:%M:%S} UTC"
    if state.stranger:
        return f"is locked by {state.stranger}, which does not say for what"
    return f"is next for {state.waiting[0].cell}" if state.waiting else "is free"


@asynccontextmanager
async def open_lab(site: Site, *, sdk: Sdk | None = None, cores: int | None = None) -> AsyncIterator[Lab]:
    """Find the site's SDK, unless it is known, and the store; make scratch space, which goes when the run ends, or dies and another begins.

    Raises InvalidInput.
    """
    sdk = sdk if sdk else await asyncio.to_thread(find_sdk, site.sdk)
    await asyncio.to_thread(remove_dead_scratch)
    scratch = Scratch()
    try:
        store = Store(site.store, scratch=scratch.path)
        yield Lab(site, sdk, store, scratch.path, cores or site.host.cores or os.cpu_count() or 1)
    finally:
        await asyncio.to_thread(scratch.remove)
