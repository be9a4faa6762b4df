"""Devices a cell can run on, behind one contract: make ready, open a job, stage, run, fetch, clean up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.process import ToolRun
from qhas.naming import check_path
from qhas.profile.origin import Origin


@dataclass(frozen=True)
class JobFile:
    """A file in a job's directory: relative name, size in bytes, modification time by the device's own clock."""

    name: str
    size: int
    modified: float


def listed(device: str, files: Iterable[JobFile]) -> list[JobFile]:
    """What a device lists, sorted by name. Raises DeviceFailed for a name that could lead out of a host's folder."""
    by_name = sorted(files, key=lambda file: file.name)
    for file in by_name:
        try:
            check_path(file.name)
        except ValueError as error:
            raise DeviceFailed(
                FailureKind.DEVICE_UNFIT, f"{device} lists a file of no use: {error}."
            ) from error
    return by_name


class Job(Protocol):
    """A fresh working directory on a device."""

    async def stage(self, source: Path, name: str) -> None:
        """Put a host file into the directory under a relative name, as in `inputs/0.raw`."""

    async def now(self) -> float:
        """The device's clock, in seconds, comparable with `JobFile.modified`."""

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """Run a tool of the SDK, given by its name, in the directory; all it prints goes to the host file `output`."""

    async def files(self, pattern: str) -> list[JobFile]:
        """What matches a glob in the directory, sorted by name."""

    async def fetch(self, name: str, target: Path) -> None:
        """Copy a file of the directory to the host."""

    async def discard(self) -> None:
        """Remove the directory before the lease ends: outputs of many inferences are large."""


class Device(Protocol):
    """Something that runs a prepared graph. Whatever it is asked raises DeviceFailed when it cannot be reached."""

    @property
    def facts(self) -> DeviceFacts:
        """What is recorded with every result; complete once the device is ready."""

    @property
    def origin(self) -> Origin:
        """Whether its figures are measured or simulated."""

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts | None:
        """Reach it, end what others left running, check what it is and how it is, bring the SDK. None has no health.

        `waiting` hears in a sentence what a hot or empty device is waited for.
        """

    async def health(self) -> Health | None:
        """Its condition now."""

    async def open_job(self) -> Job:
        """A fresh working directory."""

    async def log_since(self, moment: float, target: Path) -> None:
        """The system's log since a time of the device's clock, as far as it can be had."""

    async def clean(self) -> None:
        """End every job's tools and remove its directory. Called when the lease ends, however it ends."""

    def library(self, name: str) -> str:
        """Path on the device of a library of the SDK."""
