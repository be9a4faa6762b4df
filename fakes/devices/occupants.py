"""The processes of a device, found by the mount namespace that only they share."""

import os
import signal
from pathlib import Path


def occupants(namespace: int) -> list[int]:
    """Return the processes alive in the mount namespace with that inode number, in order of their ids."""
    return sorted(
        int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _in(entry, namespace)
    )


def namespace_of(pid: int | str) -> int:
    """Return the inode number of a process's mount namespace. Raises OSError if the process is gone."""
    return (Path("/proc") / str(pid) / "ns/mnt").stat().st_ino


def evict(namespace: int, *, but: int | None = None) -> None:
    """Kill every process in a mount namespace except `but`, including those started in the meantime."""
    for _ in range(100):
        pids = [pid for pid in occupants(namespace) if pid != but]
        if not pids:
            return
        for pid in pids:
            _kill(pid)


def is_sshd(pid: int) -> bool:
    """Whether a process runs the ssh server; false if it is gone."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.startswith("sshd")
    except OSError:
        return False


def _in(entry: Path, namespace: int) -> bool:
    try:
        return namespace_of(entry.name) == namespace
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
