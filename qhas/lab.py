"""A site at work: its SDK, its store, its scratch space, and how much runs at once."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import fsspec

from qhas.devices import Device
from qhas.devices.host import HostDevice
from qhas.digest import file_digest
from qhas.failures import FailureKind, Step, StepFailed
from qhas.naming import safe_name
from qhas.record import ModelFacts
from qhas.sdk import Sdk, find_sdk
from qhas.site import DeviceRef, Site
from qhas.store import Store

_DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Lab:
    """What the cells of one run share. Made by `open_lab`."""

    def __init__(self, site: Site, sdk: Sdk, store: Store, scratch: Path, cores: int) -> None:
        self.site = site
        self.sdk = sdk
        self.store = store
        self.scratch = scratch
        self.cores = asyncio.Semaphore(cores)
        """Held while a tool computes on this host."""
        self._devices = _Shelf(site.devices)
        self._models: dict[str, tuple[Path, ModelFacts]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def lock(self, key: str) -> asyncio.Lock:
        """One lock a key: cells of this run that need the same thing make it once."""
        return self._locks[key]

    @asynccontextmanager
    async def lease(self, soc: str) -> AsyncIterator[Device]:
        """A device of the SoC for oneself, left clean. Without devices in site.yaml, a simulated one."""
        async with self._devices.take(soc) as ref:
            device = HostDevice(ref.name, ref.soc, self.sdk, self.scratch)
            try:
                yield device
            finally:
                await device.clean()

    async def model(self, address: str) -> tuple[Path, ModelFacts]:
        """The un-cached DLC as a local file with its digest; fetched once a run. Raises StepFailed."""
        async with self.lock(f"model {address}"):
            if address not in self._models:
                self._models[address] = await asyncio.to_thread(self._fetch_model, address)
            return self._models[address]

    def _fetch_model(self, address: str) -> tuple[Path, ModelFacts]:
        # The tools' messages name this copy, so it is called as its original.
        name = safe_name(PurePosixPath(address).name)
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
                f"{address} cannot be read: {type(error).__name__}: {error}.",
            ) from error
        return target, ModelFacts(dlc=address, sha256=file_digest(target), size=target.stat().st_size)


class _Shelf:
    """Devices of site.yaml that nobody in this process uses. Without any, simulated ones without end."""

    def __init__(self, devices: list[DeviceRef]) -> None:
        self._simulates = not devices
        self._free = {device.name: device for device in devices}
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def take(self, soc: str) -> AsyncIterator[DeviceRef]:
        if self._simulates:
            yield DeviceRef(name=f"sim-{soc}", soc=soc)
            return
        async with self._changed:
            await self._changed.wait_for(lambda: any(device.soc == soc for device in self._free.values()))
            device = next(device for device in self._free.values() if device.soc == soc)
            del self._free[device.name]
        try:
            yield device
        finally:
            async with self._changed:
                self._free[device.name] = device
                self._changed.notify_all()


@asynccontextmanager
async def open_lab(site: Site, *, cores: int | None = None) -> AsyncIterator[Lab]:
    """Find the SDK and the store and make scratch space, which goes when the run ends. Raises InvalidInput."""
    sdk, store = await asyncio.to_thread(find_sdk, site.sdk), Store(site.store)
    scratch = Path(tempfile.mkdtemp(prefix="qhas-"))
    try:
        yield Lab(site, sdk, store, scratch, cores or os.cpu_count() or 1)
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
