"""Devices a cell can run on, behind one contract: open a job, stage files, run tools, fetch results, clean up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qhas.process import ToolRun
from qhas.record import DeviceFacts, Origin


@dataclass(frozen=True)
class JobFile:
    """A file in a job's directory: relative name, size in bytes, modification time by the device's own clock."""

    name: str
    size: int
    modified: float


class Job(Protocol):
    """A fresh working directory on a device."""

    async def stage(self, source: Path, name: str) -> None:
        """Put a host file into the directory under a relative name, as in `inputs/0.raw`."""

    async def now(self) -> float:
        """The device's clock, in seconds, comparable with `JobFile.modified`."""

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """Run a tool in the directory; its standard output and error go to the host file `output`."""

    async def files(self, pattern: str) -> list[JobFile]:
        """What matches a glob in the directory, sorted by name."""

    async def fetch(self, name: str, target: Path) -> None:
        """Copy a file of the directory to the host."""


class Device(Protocol):
    """Something that runs a prepared graph."""

    @property
    def facts(self) -> DeviceFacts:
        """Name, SoC and transport, as recorded with every result."""

    @property
    def origin(self) -> Origin:
        """Whether its figures are measured or simulated."""

    async def open_job(self) -> Job:
        """A fresh working directory."""

    async def clean(self) -> None:
        """Remove every job's directory. Called when the lease ends, however it ends."""
