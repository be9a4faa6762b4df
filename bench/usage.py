"""Time, CPU and memory of processes, from the kernel's own books. Linux only."""

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
    """Seconds of wall clock, of this process's CPU (all threads), and of the CPU of its ended children."""

    wall: float
    cpu: float
    children_cpu: float

    @classmethod
    def so_far(cls) -> Usage:
        """This process up to now."""
        own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return cls(time.perf_counter(), own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime)

    def __sub__(self, earlier: Usage) -> Usage:
        return Usage(
            self.wall - earlier.wall, self.cpu - earlier.cpu, self.children_cpu - earlier.children_cpu
        )


def peak_memory() -> int:
    """Bytes of this process's largest resident set.

    From /proc and not from getrusage, whose maximum a process inherits from whatever started it.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def resident() -> dict[int, int]:
    """Bytes in memory of this process's living children, by process id."""
    page = os.sysconf("SC_PAGE_SIZE")
    return {pid: fields[_RESIDENT] * page for pid, fields in _living() if fields[_PARENT] == os.getpid()}


def session_cpu(leader: int) -> float:
    """CPU seconds of every living process of a session, and of the children these have waited for."""
    return sum(_cpu(fields) for _, fields in _living() if fields[_SESSION] == leader)


def tree_cpu(root: int) -> float:
    """CPU seconds of a process, its living descendants, and the children these have waited for."""
    parents, seconds = {}, {}
    for pid, fields in _living():
        parents[pid], seconds[pid] = fields[_PARENT], _cpu(fields)
    family, grown = {root}, True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        family, grown = family | children, bool(children)
    return sum(seconds.get(pid, 0.0) for pid in family)


def machine_cpu() -> float:
    """CPU seconds that all cores have been busy with since the machine's start, whoever used them (proc(5))."""
    first, *_ = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    user, nice, system, _, _, irq, softirq, *_ = map(int, first.split()[1:])
    return (user + nice + system + irq + softirq) * _TICK


def _living() -> Iterator[tuple[int, list[int]]]:
    """Every process, and what /proc/<pid>/stat says of it after its state, from which the places count."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # the process has ended meanwhile
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            yield int(stat.parent.name), [0, *map(int, fields[1:])]


def _cpu(fields: list[int]) -> float:
    return sum(fields[_FIRST_TIME : _LAST_TIME + 1]) * _TICK
