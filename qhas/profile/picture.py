"""The picture of a chrometrace in bounded size: which resource worked on what, when, and the memory counters under it.

It is made in the pass that checks the trace and stored beside it (`timeline.json`, a file of ours), so a report shows the
shape of a trace of any size without reading it again, also when the trace itself was pruned.

Time is cut into equal bins, at most `BINS` of them. Where the trace ends is known when it was read: a bin begins one
cycle wide, and whenever an event lies behind the last bin, pairs of bins become one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from qhas.profile.trace import Event, read_trace, thread_names

BINS = 1024
LANES = 24
"""Threads that are drawn; of more, those with the most work."""
OPS = 200
"""Op types that are told apart; of more, those with the most cycles."""
_COUNTERS = 8
_NAME = 120
"""Characters of an op type's name."""
_TYPE = re.compile(r"Type:\s*([A-Za-z]+)")
_ORDER = ("HMX", "HVX", "HLX", "DMA")
_WAITING = frozenset({"dma_wait", "dma_set", "sync", "null_exec"})
_Bins = defaultdict[int, defaultdict[int, float]]
"""Cycles by op type and bin."""


class _Part(BaseModel):
    """Base of what is stored; readers ignore keys they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Work(StrEnum):
    """What an op type of the picture is."""

    OP = "op"
    """HTP ops of one type, of QNN ops of one type."""
    WAITING = "waiting"
    """Waits and bookkeeping: a thread is taken, nothing is computed or moved."""
    OTHER = "other"
    """Op types that are not told apart."""


class OpType(_Part):
    """What a bin may be filled with; names as in the trace, cut where they are long."""

    work: Work
    qnn: str = ""
    htp: str = ""


class Lane(_Part):
    """A thread of the core, or the dominant path. A value a bin."""

    name: str
    busy: list[int]
    """Percent of the bin that ops take."""
    op: list[int]
    """Which of the timeline's op types takes most of the bin; -1 in an idle one."""


class CounterKind(StrEnum):
    """What the samples of a counter are."""

    MOVED = "moved"
    """Bytes moved since the last sample: of a bin, their sum."""
    HELD = "held"
    """Bytes in use from the sample on: of a bin, the most."""


class Counter(_Part):
    """A memory counter; bytes, a value a bin."""

    name: str
    kind: CounterKind
    bytes: list[int]


class Timeline(_Part):
    """The picture. Bin n is of the cycles from `n * bin_cycles` on, counted from the graph's first cycle.

    `dominant` is where the dominant path ran. The trace tells how many cycles of an op are on it, not which: they are
    spread evenly over the op.
    """

    end_cycle: int
    bin_cycles: int
    ops: list[OpType]
    dominant: Lane
    lanes: list[Lane]
    lanes_left_out: int = 0
    counters: list[Counter]


def read_timeline(path: Path) -> Timeline:
    """The picture of a chrometrace, which is checked as by `check_trace`. Raises TraceInvalid."""
    drawing = _Drawing()
    facts = read_trace(path, drawing.add)
    return drawing.finished(facts.end_cycle)


class _Drawing:
    """A picture in the making."""

    def __init__(self) -> None:
        self._width = 1
        self._threads: dict[int, str] = {}
        self._lanes: defaultdict[int, _Bins] = defaultdict(_bins)
        self._dominant = _bins()
        self._ops: dict[tuple[object, object], int] = {}
        """Numbers of op types, by their names as the trace has them."""
        self._moved: dict[str, defaultdict[int, float]] = {}
        self._held: dict[str, dict[int, tuple[float, float]]] = {}
        """Of a bin the most, and what is held at its end."""

    def add(self, events: list[Event], executed: list[Event]) -> None:
        self._threads.update(thread_names(events))
        for event in executed:
            self._add_op(event, event["args"])
        for event in events:
            if event["ph"] == "C" and event.get("pid") == 0:
                self._add_sample(event)

    def finished(self, end_cycle: int) -> Timeline:
        bins = max(1, -(-end_cycle // self._width))
        shown = sorted(self._lanes, key=lambda tid: -_cycles(self._lanes[tid]))[:LANES]
        kinds, places = self._kinds()
        return Timeline(
            end_cycle=end_cycle,
            bin_cycles=self._width,
            ops=kinds,
            dominant=self._lane("dominant path", self._dominant, bins, places),
            lanes=[
                self._lane(self._name(tid), self._lanes[tid], bins, places)
                for tid in sorted(shown, key=self._rank)
            ],
            lanes_left_out=len(self._lanes) - len(shown),
            counters=[
                *(
                    Counter(
                        name=name[:_NAME], kind=CounterKind.MOVED, bytes=[int(by[at]) for at in range(bins)]
                    )
                    for name, by in self._moved.items()
                ),
                *(
                    Counter(name=name[:_NAME], kind=CounterKind.HELD, bytes=_held(by, bins))
                    for name, by in self._held.items()
                ),
            ],
        )

    def _add_op(self, event: Event, args: dict[str, Any]) -> None:
        start, length = max(0, int(float(event["ts"]))), int(float(event["dur"]))
        if length <= 0:
            return
        if start + length > self._width * BINS:
            self._reach(start + length - 1)
        op, width = self._op(event, args), self._width
        _spread(self._lanes[_number(event.get("tid"))], op, start, length, length, width)
        if (dominant := _number(args.get("Dominant Path Cycles"))) > 0:
            _spread(self._dominant, op, start, length, dominant, width)

    def _op(self, event: Event, args: dict[str, Any]) -> int:
        """The number of the event's op type; 0 for waiting, 1 for what comes when there are too many."""
        try:
            if not _WAITING.isdisjoint(args.get("Flags") or ()):
                return 0
            key = (args.get("QNN Op Type", ""), args.get("HTP Op Type") or event["name"])
            if key not in self._ops and len(self._ops) < 10 * OPS:
                self._ops[key] = len(self._ops) + 2
            return self._ops.get(key, 1)
        except TypeError:  # no names, but lists of something
            return 1

    def _add_sample(self, event: Event) -> None:
        name, values, cycle = event.get("name"), event.get("args"), _number(event.get("ts"))
        if not isinstance(name, str) or not isinstance(values, dict) or cycle < 0:
            return
        amount = sum(map(_number, values.values()))
        if cycle >= self._width * BINS:
            self._reach(cycle)
        at = cycle // self._width
        if (moved := self._moved.get(name)) is not None:
            moved[at] += amount
        elif (held := self._held.get(name)) is not None:
            held[at] = (max(amount, held[at][0]) if at in held else amount, amount)
        elif len(self._moved) + len(self._held) < _COUNTERS:
            self._begin(name)
            self._add_sample(event)

    def _begin(self, counter: str) -> None:
        if counter.endswith((" read", " write")):
            self._moved[counter] = defaultdict(float)
        else:
            self._held[counter] = {}

    def _reach(self, cycle: int) -> None:
        """Make the bins so wide that they hold the cycle."""
        while cycle >= self._width * BINS:
            self._width *= 2
            self._lanes = defaultdict(_bins, {tid: _halved(lane) for tid, lane in self._lanes.items()})
            self._dominant = _halved(self._dominant)
            for name, moved in self._moved.items():
                pairs = defaultdict[int, float](float)
                for at, amount in moved.items():
                    pairs[at // 2] += amount
                self._moved[name] = pairs
            for name, held in self._held.items():
                self._held[name] = _halved_held(held)

    def _kinds(self) -> tuple[list[OpType], dict[int, int]]:
        """The op types that are told apart, by falling cycles, and the place in that list of every number."""
        cycles = defaultdict[int, float](float)
        for lane in self._lanes.values():
            for filled in lane.values():
                for op, amount in filled.items():
                    cycles[op] += amount
        ranked = sorted(self._ops.items(), key=lambda item: -cycles[item[1]])[:OPS]
        kinds = [OpType(work=Work.WAITING), OpType(work=Work.OTHER)]
        kinds += [
            OpType(work=Work.OP, qnn=str(qnn)[:_NAME], htp=str(htp)[:_NAME]) for (qnn, htp), _ in ranked
        ]
        return kinds, {0: 0} | {number: place + 2 for place, (_, number) in enumerate(ranked)}

    def _lane(self, name: str, filled: _Bins, bins: int, places: dict[int, int]) -> Lane:
        busy, ops = [0] * bins, [-1] * bins
        for at, by_op in filled.items():
            if at < bins:
                busy[at] = max(1, min(100, round(100 * sum(by_op.values()) / self._width)))
                ops[at] = places.get(max(by_op, key=by_op.__getitem__), 1)
        return Lane(name=name, busy=busy, op=ops)

    def _unit(self, tid: int) -> str:
        found = _TYPE.search(self._threads.get(tid, ""))
        return found[1] if found else ""

    def _name(self, tid: int) -> str:
        return f"{self._unit(tid) or 'thread'} {tid}"

    def _rank(self, tid: int) -> tuple[int, int]:
        unit = self._unit(tid)
        return (_ORDER.index(unit) if unit in _ORDER else len(_ORDER), tid)


def _bins() -> _Bins:
    return defaultdict(_no_cycles)


def _no_cycles() -> defaultdict[int, float]:
    return defaultdict(float)


def _spread(bins: _Bins, op: int, start: int, length: int, amount: float, width: int) -> None:
    """Put an amount into the bins evenly over a stretch of cycles."""
    first, last = start // width, (start + length - 1) // width
    if first == last:
        bins[first][op] += amount
        return
    share = amount / length
    bins[first][op] += ((first + 1) * width - start) * share
    for at in range(first + 1, last):
        bins[at][op] += width * share
    bins[last][op] += (start + length - last * width) * share


def _halved(bins: _Bins) -> _Bins:
    pairs = _bins()
    for at, by_op in bins.items():
        pair = pairs[at // 2]
        for op, amount in by_op.items():
            pair[op] += amount
    return pairs


def _halved_held(held: dict[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    pairs: dict[int, tuple[float, float]] = {}
    for at in sorted(held):
        most, last = held[at]
        pairs[at // 2] = (max(most, pairs[at // 2][0] if at // 2 in pairs else 0), last)
    return pairs


def _held(held: dict[int, tuple[float, float]], bins: int) -> list[int]:
    """The most of every bin; where there is no sample, what was held before."""
    values, last = [], 0.0
    for at in range(bins):
        most, after = held.get(at, (last, last))
        values.append(int(max(most, last)))
        last = after
    return values


def _cycles(bins: _Bins) -> float:
    return sum(amount for by_op in bins.values() for amount in by_op.values())


def _number(value: object) -> int:
    """A number as it stands in a trace; 0 for what is none."""
    return value if type(value) is int else int(value) if isinstance(value, float) else 0
