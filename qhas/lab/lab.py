"""A site at work: its SDK, its store, its scratch space, its devices, and how much runs at once."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from qhas.devices import Device
from qhas.devices.lease import Leases, default_directory
from qhas.devices.opening import open_device
from qhas.devices.quarantine import QuarantineLog
from qhas.lab.lending import Lending
from qhas.lab.models import Models, Source
from qhas.machine.cores import Cores
from qhas.machine.scratch import Scratch, remove_dead_scratch
from qhas.profile.origin import Origin
from qhas.runs.record import ModelFacts
from qhas.site import DeviceRef, Site
from qhas.site.sdk import Sdk, find_sdks
from qhas.store import Store
from qhas.sweep.spec import Cell, ModelRef

if TYPE_CHECKING:
    from qhas.devices.remote import KnownDevices
    from qhas.runs.sole_runner import Tenure


class Lab:
    """What the cells of one run share. Created by `open_lab`."""

    def __init__(
        self,
        site: Site,
        sdk: Sdk,
        store: Store,
        scratch: Path,
        cores: int,
        named: Mapping[str | None, Sdk] = MappingProxyType({}),
    ) -> None:
        self.site = site
        self.sdk = sdk
        """The site's own SDK; if every cell of the run names one, the first of those."""
        self._named = named
        self.store = store
        self.scratch = scratch
        self.cores = Cores(cores)
        """A turn is held while a tool computes on this host."""
        self.tenure: Tenure | None = None
        """The right to store the run's cells; None if another process holds it for this one, as for a site's part."""
        self.leases = Leases(directory := default_directory())
        self.quarantine = QuarantineLog(directory)
        self._lending = Lending(site, self.leases, self.quarantine, self.device)
        self._models = Models(scratch)
        self._known: KnownDevices = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, key: str) -> asyncio.Lock:
        """Return one lock per key: cells of this run that need the same thing make it once."""
        return self._locks[key]

    def sdk_of(self, cell: Cell) -> Sdk:
        """Return the SDK that a cell runs with."""
        return self.sdk if cell.sdk is None else self._named[cell.sdk]

    @property
    def one_sdk(self) -> bool:
        """Whether the whole run uses the same SDK."""
        return {self.sdk.root} == {self.sdk.root, *(sdk.root for sdk in self._named.values())}

    def origin(self, soc: str) -> Origin:
        """Return the origin of figures for a SoC in this lab."""
        return Origin.DEVICE if soc in self.site.measured_socs() else Origin.SIMULATOR

    def lease(
        self, cell: Cell, run_id: str, avoid: Collection[str] = (), expected_seconds: float = 0.0
    ) -> AbstractAsyncContextManager[Device]:
        """See `Lending.lease`."""
        return self._lending.lease(cell, run_id, avoid, expected_seconds)

    def device(self, ref: DeviceRef, cell: Cell | None = None) -> Device:
        """Open a device of site.yaml with the cell's SDK or else the site's own, neither leased nor reached yet."""
        return open_device(
            ref,
            sdk=self.sdk_of(cell) if cell else self.sdk,
            scratch=self.scratch,
            cores=self.cores,
            gate=self.site.gate,
            known=self._known,
        )

    async def model(self, model: ModelRef) -> tuple[Source, ModelFacts]:
        """See `Models.get`."""
        return await self._models.get(model)


@asynccontextmanager
async def open_lab(
    site: Site,
    *,
    named: Iterable[str | None] = (None,),
    sdks: Mapping[str | None, Sdk] | None = None,
    cores: int | None = None,
) -> AsyncIterator[Lab]:
    """Open the lab of a site: find the SDKs with these names, unless given, and the store; make scratch space.

    The scratch space is removed when the run ends or, if the run dies, when another one begins. Raises InvalidInput.
    """
    sdk_of = await asyncio.to_thread(find_sdks, site, named) if sdks is None else sdks
    sdk = sdk_of[None] if None in sdk_of else next(iter(sdk_of.values()))
    await asyncio.to_thread(remove_dead_scratch)
    scratch = Scratch()
    try:
        store = Store(site.store, scratch=scratch.path)
        cores = cores or site.host.cores or os.cpu_count() or 1
        yield Lab(site, sdk, store, scratch.path, cores, sdk_of)
    finally:
        await asyncio.to_thread(scratch.remove)
