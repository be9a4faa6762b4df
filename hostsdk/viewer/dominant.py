"""The dominant path: one owner for every cycle of the timeline in which anything works.

The vendor describes it as the critical path with priority HMX, HVX, DMA read, DMA write. If two events of the same rank
overlap, the one that started first owns the cycle. So an op's share is never more than its duration, and an op hidden
behind others has none.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hostsdk.viewer.timeline import Event, Unit

_RANK = {Unit.HMX: 0, Unit.HVX: 1, Unit.HLX: 1, Unit.SCALAR: 2, Unit.DMA: 3}
_DMA_WRITE = 4


class Segment(NamedTuple):
    """Cycles `start` to `end`, which belong to the work event with the index `event`."""

    event: int
    start: int
    end: int


class Gap(NamedTuple):
    """Cycles `start` to `end` in which nothing works."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DominantPath:
    """Segments and idle gaps in time order; `cycles[i]` is the share of work event `i`."""

    segments: tuple[Segment, ...]
    gaps: tuple[Gap, ...]
    cycles: tuple[int, ...]

    @property
    def busy(self) -> int:
        """Cycles in which something works."""
        return sum(self.cycles)


def dominant_path(work: Sequence[Event], start: int, end: int) -> DominantPath:
    """Compute the path through `work` over the cycles `start` to `end`, which must cover all of it. O(n log n)."""
    order = sorted(range(len(work)), key=lambda index: work[index].start)
    waiting: list[tuple[int, int, int, int]] = []
    owned: list[Segment] = []
    now, upcoming = start, 0
    while upcoming < len(order) or waiting:
        while upcoming < len(order) and work[order[upcoming]].start <= now:
            index = order[upcoming]
            event = work[index]
            heapq.heappush(waiting, (_rank(event), event.start, event.tid, index))
            upcoming += 1
        while waiting and work[waiting[0][3]].end <= now:
            heapq.heappop(waiting)
        if waiting:
            owner = waiting[0][3]
            until = work[owner].end
            if upcoming < len(order):
                until = min(until, work[order[upcoming]].start)
            _extend(owned, Segment(owner, now, until))
            now = until
        elif upcoming < len(order):
            now = work[order[upcoming]].start
    cycles = [0] * len(work)
    for segment in owned:
        cycles[segment.event] += segment.end - segment.start
    return DominantPath(tuple(owned), tuple(_gaps(owned, start, end)), tuple(cycles))


def _rank(event: Event) -> int:
    if event.unit is Unit.DMA and event.traffic.dram_write > event.traffic.dram_read:
        return _DMA_WRITE
    return _RANK[event.unit]


def _extend(owned: list[Segment], segment: Segment) -> None:
    if owned and owned[-1].event == segment.event and owned[-1].end == segment.start:
        owned[-1] = Segment(segment.event, owned[-1].start, segment.end)
    else:
        owned.append(segment)


def _gaps(owned: Sequence[Segment], start: int, end: int) -> list[Gap]:
    gaps = []
    now = start
    for segment in owned:
        if segment.start > now:
            gaps.append(Gap(now, segment.start))
        now = segment.end
    if end > now:
        gaps.append(Gap(now, end))
    return gaps
