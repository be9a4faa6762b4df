"""What the memory counters of a trace moved, and when.

A sample of a read or write counter is a level: the bytes of all ops that run from its cycle on, each counted with all
the bytes it moves, from its first cycle to its last. So the level rises when an op begins and falls when it ends,
whichever of its bytes are in transit. Which op moves what follows from where the ops of the trace begin and end; an
op's bytes are assumed to move evenly while it runs.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MOST = 1 << 18
"""The most ops kept per trace; per counter, eight times as many samples. The first ones count; this bounds memory."""


class Transfer(NamedTuple):
    """Bytes moved between two cycles, the second one excluded."""

    start: int
    end: int
    bytes: int


class Spans:
    """Where ops begin and end."""

    def __init__(self) -> None:
        self._starts, self._ends = array("q"), array("q")

    def add(self, start: int, end: int) -> None:
        if len(self._starts) < _MOST:
            self._starts.append(start)
            self._ends.append(end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._starts, self._ends, strict=True)

    def union(self) -> Iterator[tuple[int, int]]:
        """Yield the ranges in which at least one of the ops runs, in order and without overlap."""
        reached = 0
        for start, end in sorted(self):
            if end > reached:
                yield max(start, reached), end
                reached = end


class Levels:
    """The samples of one counter."""

    def __init__(self) -> None:
        self._cycles, self._levels = array("q"), array("q")

    def add(self, cycle: int, level: int) -> None:
        if len(self._cycles) < 8 * _MOST:
            self._cycles.append(cycle)
            self._levels.append(level)

    def changes(self) -> dict[int, int]:
        """Return by how much the level changes at which cycle; of several samples at one cycle, the last counts."""
        level, changes = 0, {}
        for cycle, following in sorted(dict(zip(self._cycles, self._levels, strict=True)).items()):
            if following != level:
                changes[cycle] = following - level
                level = following
        return changes


def transfers(ops: Iterable[tuple[int, int]], levels: Levels, end: int) -> Iterator[Transfer]:
    """Yield what the levels say was moved: by each op or, if no op begins or ends with a level, between its changes.

    The bytes add up to those of all ops. Ops that begin together are distinguished by their ends; if those coincide
    with the beginnings of others, they share the bytes evenly.
    """
    return _Reading(ops, levels.changes()).transfers(end)


class _Reading:
    """Ops and levels, read from the first cycle to the last."""

    def __init__(self, ops: Iterable[tuple[int, int]], changes: dict[int, int]) -> None:
        self._changes = changes
        self._ends_of: defaultdict[int, list[int]] = defaultdict(list)
        """Ends of the ops that begin at a cycle; ops that begin and end together count as one."""
        self._starts_of: defaultdict[int, list[int]] = defaultdict(list)
        for start, end in set(ops):
            self._ends_of[start].append(end)
            self._starts_of[end].append(start)
        self._bytes: dict[tuple[int, int], int] = {}
        self._unowned: list[tuple[int, int]] = []
        """Parts of the level that belong to no op: since which cycle, and how many bytes."""

    def transfers(self, end: int) -> Iterator[Transfer]:
        for cycle in sorted({*self._ends_of, *self._starts_of, *self._changes}):
            begun = self._changes.get(cycle, 0) + self._ended(cycle)
            if begun < 0:
                yield from self._released(-begun, cycle)
            elif begun and cycle in self._ends_of:
                self._share(cycle, begun)
            elif begun:
                self._unowned.append((cycle, begun))
        yield from (Transfer(*span, amount) for span, amount in self._bytes.items())
        yield from (Transfer(start, end, amount) for start, amount in self._unowned if start < end)

    def _ended(self, cycle: int) -> int:
        return sum(self._bytes.get((start, cycle), 0) for start in self._starts_of.get(cycle, ()))

    def _share(self, start: int, begun: int) -> None:
        """Divide among the ops that begin at a cycle what the level says they move together."""
        open_ends = []
        for end in self._ends_of[start]:
            others = [other for other in self._starts_of[end] if other != start]
            if (
                len(self._ends_of[start]) == 1
                or end in self._ends_of
                or any(other > start for other in others)
            ):
                open_ends.append(end)
                continue
            known = -self._changes.get(end, 0) - sum(self._bytes.get((other, end), 0) for other in others)
            self._bytes[start, end] = amount = min(max(known, 0), begun)
            begun -= amount
        if begun and not open_ends:
            self._unowned.append((start, begun))
        for place, end in enumerate(open_ends):
            self._bytes[start, end] = begun // len(open_ends) + (place < begun % len(open_ends))

    def _released(self, amount: int, cycle: int) -> Iterator[Transfer]:
        """End parts of the level that belong to no op: one of exactly this size first, then the oldest."""
        self._unowned.sort(key=lambda part: (part[1] != amount, part[0]))
        while amount and self._unowned:
            start, held = self._unowned.pop(0)
            yield Transfer(start, cycle, min(held, amount))
            if held > amount:
                self._unowned.insert(0, (start, held - amount))
            amount -= min(held, amount)
