"""Which process it is: of which boot, in which PID namespace, and since when.

A number alone says little: numbers are given again, and every container counts its own.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, Field

_ENDED = ("Z", "X")
"""States in proc(5): dead, though a parent that never asks (a container's first process) keeps its number."""


class ProcessIdentity(BaseModel):
    """A process, told apart from every other one. Processes of one `place` see each other."""

    place: str
    pid: int = Field(gt=0)
    started: int = Field(description="Clock ticks since the boot.")

    def is_visible(self) -> bool:
        """Whether this process can know of its end: same boot, same PID namespace."""
        return bool(self.place) and self.place == _place()

    def has_ended(self) -> bool:
        """Whether it is known to be gone. Never of another host's or another container's process."""
        if not self.is_visible():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # somebody else's, and alive
        found = _look(self.pid)
        return found is not None and (found.state in _ENDED or found.started != self.started)


def this_process() -> ProcessIdentity | None:
    """Identity of this process; None where the system does not tell."""
    place, found = _place(), _look(os.getpid())
    return ProcessIdentity(place=place, pid=os.getpid(), started=found.started) if place and found else None


def names_of_this_host() -> frozenset[str]:
    """Host name and boot id. Containers of a host share the second, boots of a host the first."""
    return frozenset(filter(None, (socket.gethostname(), _boot_id())))


class _Look(NamedTuple):
    state: str
    started: int


def _look(pid: int) -> _Look | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()  # the program's name may hold anything
        return _Look(fields[0], int(fields[19]))
    except (OSError, ValueError, IndexError):
        return None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _place() -> str:
    try:
        if Path("/proc/self").readlink() != Path(str(os.getpid())):
            return ""  # the /proc of another namespace tells of other processes
        return f"{_boot_id()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
