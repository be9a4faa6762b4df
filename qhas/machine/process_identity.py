"""The identity of a process: its boot, its PID namespace, and when it started.

A number alone says little: numbers are reused, and every container has its own.
"""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from qhas.documents import Stored
from qhas.outside_text import shown

_ENDED = ("Z", "X")
"""States in proc(5): dead, although a parent that never reaps it (a container's first process) keeps its number."""


class ProcessIdentity(Stored):
    """A process, distinguished from every other one. Processes of one `place` see each other."""

    place: str
    pid: int = Field(gt=0, lt=1 << 31)
    started: int = Field(description="Clock ticks since the boot.")

    def is_visible(self) -> bool:
        """Whether this process can know when it ends: same boot, same PID namespace."""
        return bool(self.place) and self.place == _place()

    def has_ended(self) -> bool:
        """Whether it is known to be gone. Never true for a process of another host or container."""
        if not self.is_visible():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's, and alive
        process = _look(self.pid)
        return process is not None and (process.state in _ENDED or process.started != self.started)


def this_process() -> ProcessIdentity | None:
    """Return the identity of this process; None if the system does not provide it."""
    place, process = _place(), _look(os.getpid())
    return (
        ProcessIdentity(place=place, pid=os.getpid(), started=process.started) if place and process else None
    )


def names_of_this_host() -> frozenset[str]:
    """Return host name and boot id. Containers of a host share the latter, boots of a host the former."""
    return frozenset(filter(None, (socket.gethostname(), _boot_id())))


def holders_of_lock(descriptor: int) -> str:
    """Describe who holds an flock on the open file, as far as known, such as "process 123 (sleep) of alice"."""
    return ", ".join(sorted(set(_holders(os.fstat(descriptor))))) or "a process that cannot be seen from here"


def _holders(file: os.stat_result) -> Iterator[str]:
    here = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = (
                line.split()
            )  # "3: FLOCK ADVISORY WRITE 6953 fe:00:2146717 0 EOF"; a waiter has "->" after the number
            if fields[1] == "FLOCK" and fields[5] == here:
                yield _describe(int(fields[4]))


def _describe(pid: int) -> str:
    program = owner = "?"
    with suppress(OSError):
        owner = name_of_user(Path(f"/proc/{pid}").stat().st_uid)
        program = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    return f"process {pid} ({shown(program)}) of {owner}"


def name_of_user(uid: int) -> str:
    """Return the user's name, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


class _Look(NamedTuple):
    state: str
    started: int


def _look(pid: int) -> _Look | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()  # the program's name may contain anything
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
            return ""  # the /proc of another namespace describes other processes
        return f"{_boot_id()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
