"""This machine as a device: the SDK's own host executables, on the emulator and the simulator.

The SoC it stands for is told to the host SDK by HOSTSDK_SOC. Whatever it reports is an estimate.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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

    @asynccontextmanager
    async def job(self) -> AsyncIterator[HostJob]:
        """A temporary folder below the scratch directory."""
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._scratch))
        try:
            yield HostJob(folder, self._sdk.environment({SOC_VARIABLE: self.facts.soc}))
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


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

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """See `Job.run`."""
        return await run_tool(argv, cwd=self._folder, env=self._env, output=output, timeout_seconds=timeout_seconds)

    async def fetch(self, pattern: str, target: Path) -> list[Path]:
        """See `Job.fetch`."""
        found = sorted(path for path in self._folder.glob(pattern) if path.is_file())
        return [await asyncio.to_thread(_copied, path, target / path.name) for path in found]


def _copied(source: Path, target: Path) -> Path:
    return Path(shutil.copy2(source, target))
