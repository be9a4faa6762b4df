"""Time, CPU and memory of processes, from the kernel's own books. Linux only."""

from __future__ import annotations

import os
import resource
import time
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
    sizes = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # the process has ended meanwhile
            continue
        if int(fields[_PARENT]) == os.getpid():
            sizes[int(stat.parent.name)] = int(fields[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
    return sizes


def session_cpu(leader: int) -> float:
    """CPU seconds of every living process of a session, and of the children these have waited for."""
    return sum(_cpu_in(stat, leader) for stat in Path("/proc").glob("[0-9]*/stat"))


def tree_cpu(root: int) -> float:
    """CPU seconds of a process, its living descendants, and the children these have waited for."""
    parents, seconds = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:  # the process has ended meanwhile
            continue
        pid = int(stat.parent.name)
        parents[pid] = int(fields[_PARENT])
        seconds[pid] = sum(map(int, fields[_FIRST_TIME : _LAST_TIME + 1])) * _TICK
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


def _cpu_in(stat: Path, session: int) -> float:
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # the process has ended meanwhile
        return 0.0
    if int(fields[_SESSION]) != session:
        return 0.0
    return sum(map(int, fields[_FIRST_TIME : _LAST_TIME + 1])) * _TICK
