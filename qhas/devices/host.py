"""This machine as a device: the SDK's own host executables, on the emulator and the simulator.

The SoC it stands for is told to the host SDK by HOSTSDK_SOC. Whatever it reports is an estimate.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

from qhas.devices import JobFile
from qhas.process import ToolRun, run_tool
from qhas.record import DeviceFacts, Origin
from qhas.sdk import Sdk
from qhas.site import Transport

SOC_VARIABLE = "HOSTSDK_SOC"


class HostDevice:
    """A simulated device on this machine."""

    origin = Origin.SIMULATOR

    def __init__(self, name: str, soc: str, sdk: Sdk, scratch: Path) -> None:
        self.facts = DeviceFacts(name=name, soc=soc, transport=Transport.HOST)
        self._sdk = sdk
        self._scratch = scratch
        self._folders: list[Path] = []

    async def open_job(self) -> HostJob:
        """A temporary folder below the scratch directory."""
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._scratch))
        self._folders.append(folder)
        return HostJob(folder, self._sdk.environment({SOC_VARIABLE: self.facts.soc}))

    async def clean(self) -> None:
        """See `Device.clean`."""
        while self._folders:
            await asyncio.to_thread(shutil.rmtree, self._folders.pop(), ignore_errors=True)


class HostJob:
    """A folder on this machine."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder = folder
        self._env = env

    async def stage(self, source: Path, name: str) -> None:
        """Link where the file system allows it, else copy: prepared DLCs are large."""
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
        """See `Job.run`."""
        return await run_tool(
            argv, cwd=self._folder, env=self._env, output=output, timeout_seconds=timeout_seconds
        )

    async def files(self, pattern: str) -> list[JobFile]:
        """See `Job.files`."""
        return [
            JobFile(str(path.relative_to(self._folder)), path.stat().st_size, path.stat().st_mtime)
            for path in sorted(self._folder.glob(pattern))
            if path.is_file()
        ]

    async def fetch(self, name: str, target: Path) -> None:
        """See `Job.fetch`."""
        await asyncio.to_thread(shutil.copy2, self._folder / name, target)
