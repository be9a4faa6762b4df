"""This machine as a device: the SDK's own host executables, on the emulator and the simulator.

HOSTSDK_SOC tells the host SDK which SoC to simulate. All figures it reports are estimates.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from qhas.devices import JobFile, listed
from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.cores import Cores, Urgency
from qhas.machine.process import ToolRun, run_tool
from qhas.naming import below
from qhas.profile.origin import Origin
from qhas.site import DeviceRef
from qhas.site.sdk import Sdk, Tool

SOC_VARIABLE = "HOSTSDK_SOC"


class HostDevice:
    """A simulated device on this machine. Its tools compute here, so they take turns on the host's cores."""

    origin = Origin.SIMULATOR

    def __init__(self, ref: DeviceRef, sdk: Sdk, scratch: Path, cores: Cores) -> None:
        self.facts = DeviceFacts(name=ref.name, soc=ref.soc, transport=ref.transport, address=ref.address)
        self._env = ref.env
        self._sdk = sdk
        self._scratch = scratch
        self._cores = cores
        self._folders: list[Path] = []

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts | None:
        """Do nothing: there is nothing to prepare, and no health."""

    async def health(self) -> Health | None:
        """Return None: a simulator's figures do not depend on the state of the host."""

    async def open_job(self) -> HostJob:
        """Create a temporary folder below the scratch directory."""
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._scratch))
        self._folders.append(folder)
        return HostJob(
            self.facts.name, folder, self._sdk, {SOC_VARIABLE: self.facts.soc, **self._env}, self._cores
        )

    async def log_since(self, moment: float, target: Path) -> None:
        """Do nothing: the host's log contains nothing about an emulation."""

    async def clean(self) -> None:
        """See `Device.clean`."""
        while self._folders:
            await asyncio.to_thread(shutil.rmtree, self._folders.pop(), ignore_errors=True)

    def library(self, name: str) -> str:
        """See `Device.library`."""
        return str(self._sdk.reader.with_name(name))


class HostJob:
    """A folder on this machine."""

    def __init__(self, name: str, folder: Path, sdk: Sdk, env: dict[str, str], cores: Cores) -> None:
        self._name = name
        self._folder = folder
        self._sdk = sdk
        self._env = env
        self._cores = cores

    async def stage(self, source: Path, name: str) -> None:
        """Link the file if the file system allows it, else copy it: prepared DLCs are large."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(source)
        except OSError:
            await asyncio.to_thread(shutil.copyfile, source, target)

    async def now(self) -> float:
        """See `Job.now`."""
        return time.time()

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """See `Job.run`. Raises ToolNotExecutable."""
        program, *arguments = argv
        async with self._cores.turn(lambda: Urgency.DEVICE_HELD):
            return await run_tool(
                [str(self._sdk.tool(Tool(program))), *arguments],
                cwd=self._folder,
                env=self._sdk.environment(self._env),
                output=output,
                timeout_seconds=timeout_seconds,
            )

    async def files(self, pattern: str) -> list[JobFile]:
        """See `Job.files`. Raises DeviceFailed."""
        return listed(
            self._name,
            (
                JobFile(str(path.relative_to(self._folder)), path.stat().st_size, path.stat().st_mtime)
                for path in self._folder.glob(pattern)
                if path.is_file()
            ),
        )

    async def fetch(self, name: str, target: Path) -> None:
        """See `Job.fetch`. Raises DeviceFailed for a link."""
        try:
            source = below(self._folder, name)
        except ValueError as error:
            raise DeviceFailed(
                FailureKind.DEVICE_UNFIT, f"{self._name} wrote no usable file: {error}."
            ) from error
        await asyncio.to_thread(shutil.copy2, source, target)

    async def discard(self) -> None:
        """See `Job.discard`."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
