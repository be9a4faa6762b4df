"""Sums over work events: cycles, dominant path and bytes, for any grouping of the events.

Denominators are the vendor's, checked against published device summaries: active cycles are a share of the cycles all
resources used, utilization is a share of the whole timeline, dominant-path cycles are a share of the busy part of the
timeline. Bookkeeping of the foreground thread counts in none of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.timeline import Event, Traffic, Unit, total

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Group(Generic[Key]):
    """Work events that share a key. `cycles` sums over parallel threads: it is work, not time."""

    key: Key
    events: tuple[Event, ...]
    cycles: int
    dominant: int
    traffic: Traffic

    @property
    def htp_ops(self) -> int:
        """The number of distinct HTP ops: one that ran on several threads counts once."""
        return len({event.op_id for event in self.events})


@dataclass(frozen=True, slots=True)
class Resource:
    """One thread of one unit. `used` is the length of the union of its events, in cycles."""

    unit: Unit
    tid: int
    start: int
    end: int
    used: int
    traffic: Traffic


def grouped(analysis: Analysis, key: Callable[[Event], Key]) -> list[Group[Key]]:
    """Group the work events by `key`, most cycles first; groups with equal cycles stay in the order they began."""
    members: dict[Key, list[int]] = defaultdict(list)
    for index, event in enumerate(analysis.work):
        members[key(event)].append(index)
    groups = [_group(analysis, value, indices) for value, indices in members.items()]
    return sorted(groups, key=lambda group: -group.cycles)


def _group(analysis: Analysis, key: Key, indices: Iterable[int]) -> Group[Key]:
    events = tuple(analysis.work[index] for index in indices)
    return Group(
        key=key,
        events=events,
        cycles=sum(event.cycles for event in events),
        dominant=sum(analysis.path.cycles[index] for index in indices),
        traffic=total(event.traffic for event in events),
    )


def resources(analysis: Analysis) -> list[Resource]:
    """Return the threads that worked, by unit, then by number."""
    members: dict[tuple[Unit, int], list[Event]] = defaultdict(list)
    for event in analysis.work:
        members[event.unit, event.tid].append(event)
    order = {unit: place for place, unit in enumerate(Unit)}
    return [
        Resource(
            unit=unit,
            tid=tid,
            start=min(event.start for event in events),
            end=max(event.end for event in events),
            used=covered(events),
            traffic=total(event.traffic for event in events),
        )
        for (unit, tid), events in sorted(members.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]


def covered(events: Iterable[Event]) -> int:
    """Count the cycles covered by at least one of the events."""
    covered = 0
    reached = 0
    for start, end in sorted((event.start, event.end) for event in events):
        covered += max(0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def percent(part: int, whole: int) -> float:
    """Return the share in percent, or 0 if the whole is 0."""
    return 100.0 * part / whole if whole else 0.0
