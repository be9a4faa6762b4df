"""Devices a cell can run on, behind one contract: open a job, stage files, run tools, fetch results, clean up."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from qhas.process import ToolRun
from qhas.record import DeviceFacts, Origin


class Job(Protocol):
    """A fresh working directory on a device, gone when its `async with` ends."""

    async def stage(self, source: Path, name: str) -> None:
        """Put a host file into the directory under a relative name, as in `inputs/0.raw`."""

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """Run a tool in the directory; its standard output and error go to the host file `output`."""

    async def fetch(self, pattern: str, target: Path) -> list[Path]:
        """Copy what matches a glob to a host folder; the copies, sorted. Modification times are kept."""


class Device(Protocol):
    """Something that runs a prepared graph."""

    @property
    def facts(self) -> DeviceFacts:
        """Name, SoC and transport, as recorded with every result."""

    @property
    def origin(self) -> Origin:
        """Whether its figures are measured or simulated."""

    def job(self) -> AbstractAsyncContextManager[Job]:
        """Open a fresh working directory."""
