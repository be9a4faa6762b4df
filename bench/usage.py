"""Time, CPU and memory of processes, from the kernel's own accounts. Linux only."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PARENT, _SESSION, _FIRST_TIME, _LAST_TIME, _RESIDENT = 1, 3, 11, 14, 21
"""Places in /proc/<pid>/stat, counted from the state: parent, session, utime, stime, cutime, cstime, rss (proc(5))."""


@dataclass(frozen=True)
class Usage:
    """Seconds of wall clock, of this process's CPU (all threads), and of the CPU of its terminated children."""

    wall: float
    cpu: float
    children_cpu: float

    @classmethod
    def so_far(cls) -> Usage:
        """Return the usage of this process up to now."""
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return cls(time.perf_counter(), own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime)

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(
            self.wall - earlier.wall, self.cpu - earlier.cpu, self.children_cpu - earlier.children_cpu
        )


def peak_memory() -> int:
    """Return the peak resident set of this process in bytes.

    It is read from /proc, not from getrusage, whose maximum a process inherits from the one that started it.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def resident() -> dict[int, int]:
    """Return the bytes in memory of this process's living children, keyed by process id."""
    page = os.sysconf("SC_PAGE_SIZE")
    return {pid: fields[_RESIDENT] * page for pid, fields in _living() if fields[_PARENT] == os.getpid()}


def session_cpu(leader: int) -> float:
    """Return the CPU seconds of every living process in a session, and of the children these have waited for."""
    return sum(_cpu(fields) for _, fields in _living() if fields[_SESSION] == leader)


def tree_cpu(root: int) -> float:
    """Return the CPU seconds of a process, its living descendants, and the children these have waited for."""
    parents, seconds = {}, {}
    for pid, fields in _living():
        parents[pid], seconds[pid] = fields[_PARENT], _cpu(fields)
    family, grown = {root}, True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        family, grown = family | children, bool(children)
    return sum(seconds.get(pid, 0.0) for pid in family)


def machine_cpu() -> float:
    """Return the CPU seconds that all cores have been busy since the machine's start, for any process (proc(5))."""
    first, *_ = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    user, nice, system, _, _, irq, softirq, *_ = map(int, first.split()[1:])
    return (user + nice + system + irq + softirq) * _TICK


def _living() -> Iterator[tuple[int, list[int]]]:
    """Yield every process with the fields of /proc/<pid>/stat, counted from the state (whose own value is 0)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # the process has terminated in the meantime
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            yield int(stat.parent.name), [0, *map(int, fields[1:])]


def _cpu(fields: list[int]) -> float:
    return sum(fields[_FIRST_TIME : _LAST_TIME + 1]) * _TICK
