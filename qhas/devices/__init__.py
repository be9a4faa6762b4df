"""The devices a cell can run on, behind one contract: make ready, open a job, stage, run, fetch, clean up."""

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
    """Return a device's files sorted by name. Raises DeviceFailed for a name that could escape a host folder."""
    by_name = sorted(files, key=lambda file: file.name)
    for file in by_name:
        try:
            check_path(file.name)
        except ValueError as error:
            raise DeviceFailed(
                FailureKind.DEVICE_UNFIT, f"{device} lists an unusable file: {error}."
            ) from error
    return by_name


class Job(Protocol):
    """A fresh working directory on a device."""

    async def stage(self, source: Path, name: str) -> None:
        """Put a host file into the directory under a relative name, such as `inputs/0.raw`."""

    async def now(self) -> float:
        """Return the time of the device's clock, in seconds, comparable with `JobFile.modified`."""

    async def run(self, argv: list[str], *, output: Path, timeout_seconds: float) -> ToolRun:
        """Run an SDK tool, given by name, in the directory; everything it prints goes to the host file `output`."""

    async def files(self, pattern: str) -> list[JobFile]:
        """Return the files in the directory that match a glob, sorted by name."""

    async def fetch(self, name: str, target: Path) -> None:
        """Copy a file from the directory to the host."""

    async def discard(self) -> None:
        """Remove the directory before the lease ends: the outputs of many inferences are large."""


class Device(Protocol):
    """Something that runs a prepared graph. Methods raise DeviceFailed if the device cannot be reached."""

    @property
    def facts(self) -> DeviceFacts:
        """The facts recorded with every result; complete once the device is ready."""

    @property
    def origin(self) -> Origin:
        """Whether the device's figures are measured or simulated."""

    async def make_ready(self, waiting: Callable[[str], None]) -> HealthFacts | None:
        """Reach the device, terminate leftover processes, check its identity and condition, and deploy the SDK.

        Returns None for a device that has no health to report. `waiting` is called with a sentence that says what a
        hot or discharged device is being waited for.
        """

    async def health(self) -> Health | None:
        """Return the device's current condition."""

    async def open_job(self) -> Job:
        """Create a fresh working directory."""

    async def log_since(self, moment: float, target: Path) -> None:
        """Save the system's log since a time of the device's clock, as far as it is available."""

    async def clean(self) -> None:
        """Terminate every job's tools and remove its directory. Called when the lease ends, however it ends."""

    def library(self, name: str) -> str:
        """Return the path of an SDK library on the device."""
