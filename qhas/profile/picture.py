"""The picture of a chrometrace in bounded size: which resource worked on what, when, and the memory counters below.

It is drawn in the pass that checks the trace and stored beside it (`timeline.json`, our own format), so a report shows
the shape of a trace of any size without reading it again, even if the trace itself was pruned.

Time is divided into equal bins, at most `BINS` of them. The end of the trace is only known once it has been read:
bins start one cycle wide, and whenever an event lies beyond the last bin, pairs of bins are merged. Ops are collected
before they are put into bins: most traces end before that, and their bins are filled once.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from qhas.profile.bins import Bins, halved, halved_levels, levels_of, shares, spread, whole
from qhas.profile.dominant import Stretch
from qhas.profile.event_stream import Event
from qhas.profile.trace import read_trace, thread_names
from qhas.profile.traffic import Levels, Spans, Transfer, transfers

BINS = 1024
LANES = 24
"""Most threads that are drawn: those with the most work."""
OPS = 200
"""Most op types that are distinguished: those with the most cycles."""
_COLLECTED = 20_000
"""Number of ops held in memory before they are put into bins."""
_COUNTERS = 8
_NAME = 120
"""Characters kept of the name of an op type or a counter."""
_TYPE = re.compile(r"Type:\s*([A-Za-z]+)")
_ORDER = ("HMX", "HVX", "HLX", "DMA")
_WAITING = frozenset({"dma_wait", "dma_set", "sync", "null_exec"})


class _Part(BaseModel):
    """Base of the stored parts; readers ignore keys they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Work(StrEnum):
    """The kind of an op type in the picture."""

    OP = "op"
    """HTP ops of one type that belong to QNN ops of one type."""
    WAITING = "waiting"
    """Waits and bookkeeping: a thread is occupied, but nothing is computed or moved."""
    OTHER = "other"
    """Op types that are not distinguished."""


class OpType(_Part):
    """An op type that a bin can be filled with; names as in the trace, truncated if long."""

    work: Work
    qnn: str = ""
    htp: str = ""


class Lane(_Part):
    """A thread of the core, or the dominant path, with one value per bin."""

    name: str
    busy: list[int]
    """Percentage of the bin that ops take."""
    op: list[int]
    """Index of the timeline's op type that takes most of the bin; -1 if the bin is idle."""


class CounterKind(StrEnum):
    """What the samples of a counter mean."""

    MOVED = "moved"
    """Bytes read or written: a bin holds what moves in it, with each op's bytes spread evenly over the op."""
    HELD = "held"
    """Bytes in use from the sample on: a bin holds the maximum."""


class Counter(_Part):
    """A memory counter in bytes, with one value per bin."""

    name: str
    kind: CounterKind
    bytes: list[int]


class Timeline(_Part):
    """The picture. Bin n covers the cycles from `n * bin_cycles` on, counted from the graph's first cycle.

    `dominant` is where the dominant path ran: as the QHAS states it, otherwise with the cycles that the trace states
    for each op spread evenly over the op. `clock_mhz` is None if nothing states it. `remarks` are sentences without
    subject on what is odd about the trace.
    """

    end_cycle: int
    bin_cycles: int
    ops: list[OpType]
    dominant: Lane
    lanes: list[Lane]
    lanes_left_out: int = 0
    counters: list[Counter]
    clock_mhz: float | None = None
    remarks: list[str] = []


def read_timeline(path: Path, dominant: Sequence[Stretch] = (), clock_mhz: float | None = None) -> Timeline:
    """Draw the picture of a chrometrace, which is checked in the same pass. Raises TraceInvalid.

    `dominant` is the path from the QHAS beside it, `clock_mhz` the clock at which its core ran.
    """
    drawing = _Drawing()
    facts = read_trace(path, drawing.add)
    drawing.draw_path(dominant, facts.end_cycle)
    return drawing.finished(facts.end_cycle).model_copy(
        update={"clock_mhz": clock_mhz, "remarks": facts.oddities}
    )


class _Ran(NamedTuple):
    """One execution of an op."""

    tid: int
    op: int
    start: int
    cycles: int
    dominant: int | None
    """Its cycles on the dominant path; None if the trace states them for several executions together."""


class _Drawing:
    """A picture being drawn."""

    def __init__(self) -> None:
        self._width = 1
        self._collected: list[_Ran] = []
        self._threads: dict[int, str] = {}
        self._lanes: defaultdict[int, Bins] = defaultdict(dict)
        self._taken: defaultdict[int, int] = defaultdict(int)
        """Cycles by thread."""
        self._cycles: defaultdict[int, int] = defaultdict(int)
        """Cycles by op type."""
        self._dominant: Bins = {}
        self._repeated: Bins = {}
        """Executions for which the trace does not state what part of them is on the dominant path."""
        self._on_path = Spans()
        self._origin: int | None = None
        """The absolute cycle from which the trace counts."""
        self._ops: dict[tuple[object, object], int] = {}
        """Numbers of op types, by their names in the trace."""
        self._spans = Spans()
        self._moved: dict[str, Levels] = {}
        self._held: dict[str, dict[int, tuple[float, float]]] = {}
        """For each bin, the maximum and what is held at its end."""

    def add(self, events: list[Event], executed: list[Event]) -> None:
        self._threads.update(thread_names(events))
        for event in executed:
            self._add_op(event, event["args"])
        for event in events:
            if event["ph"] == "C" and event.get("pid") == 0:
                self._add_sample(event)

    def finished(self, end_cycle: int) -> Timeline:
        bins = max(1, -(-end_cycle // self._width))
        shown = sorted(self._lanes, key=lambda tid: -self._taken[tid])[:LANES]
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
            counters=[*self._moved_by(end_cycle, bins), *self._held_in(bins)],
        )

    def draw_path(self, path: Sequence[Stretch], end_cycle: int) -> None:
        """Draw the dominant path, which is that of the QHAS if it fits this trace."""
        self._put_into_bins()
        origin = self._origin or 0
        if path and all(stretch.start >= origin and stretch.end - origin <= end_cycle for stretch in path):
            self._dominant = {}
            for start, end, qnn, htp, waiting in path:
                op = 0 if waiting else self._number_of(qnn, htp)
                spread(self._dominant, op, start - origin, end - start, end - start, self._width)
            return
        if self._repeated:
            self._cover_path()

    def _cover_path(self) -> None:
        """Fill the path wherever ops on it run: a dominant path includes every cycle in which something works."""
        runs = (Transfer(start, end, end - start) for start, end in self._on_path.union())
        covered = shares(runs, BINS, self._width)
        for at in {*self._dominant, *self._repeated}:
            filled = self._dominant.setdefault(at, {})
            for op, cycles in self._repeated.get(at, {}).items():
                filled[op] = filled.get(op, 0.0) + cycles
            share = covered[at] / sum(filled.values())
            for op in filled:
                filled[op] *= share

    def _moved_by(self, end_cycle: int, bins: int) -> Iterable[Counter]:
        for name, levels in self._moved.items():
            moved = whole(shares(transfers(self._spans, levels, end_cycle), bins, self._width))
            yield Counter(name=name[:_NAME], kind=CounterKind.MOVED, bytes=moved)

    def _held_in(self, bins: int) -> Iterable[Counter]:
        for name, held in self._held.items():
            yield Counter(name=name[:_NAME], kind=CounterKind.HELD, bytes=levels_of(held, bins))

    def _add_op(self, event: Event, args: dict[str, Any]) -> None:
        start, length = max(0, int(float(event["ts"]))), int(float(event["dur"]))
        if length <= 0:
            return
        self._spans.add(start, start + length)
        origin = _number(args.get("Start Cycle")) - start
        self._origin = origin if self._origin is None else min(origin, self._origin)
        dominant, executed = _number(args.get("Dominant Path Cycles")), _number(args.get("Duration (cycles)"))
        if executed != length or dominant > 0:
            self._on_path.add(start, start + length)
        dominant_cycles = None if executed != length else min(dominant, length)
        self._collected.append(
            _Ran(_number(event.get("tid")), self._op(event, args), start, length, dominant_cycles)
        )
        if len(self._collected) >= _COLLECTED:
            self._put_into_bins()

    def _put_into_bins(self) -> None:
        self._reach(max((ran.start + ran.cycles - 1 for ran in self._collected), default=0))
        width = self._width
        for tid, op, start, cycles, dominant in self._collected:
            self._taken[tid] += cycles
            self._cycles[op] += cycles
            spread(self._lanes[tid], op, start, cycles, cycles, width)
            if dominant is None:
                spread(self._repeated, op, start, cycles, cycles, width)
            elif dominant > 0:
                spread(self._dominant, op, start, cycles, dominant, width)
        self._collected.clear()

    def _op(self, event: Event, args: dict[str, Any]) -> int:
        """Return the number of the event's op type; 0 for waiting, 1 for types beyond the limit."""
        try:
            if not _WAITING.isdisjoint(args.get("Flags") or ()):
                return 0
            return self._number_of(args.get("QNN Op Type", ""), args.get("HTP Op Type") or event["name"])
        except TypeError:  # not names but lists, which are unhashable
            return 1

    def _number_of(self, qnn: object, htp: object) -> int:
        key = (qnn, htp)
        if key not in self._ops and len(self._ops) < 10 * OPS:
            self._ops[key] = len(self._ops) + 2
        return self._ops.get(key, 1)

    def _add_sample(self, event: Event) -> None:
        name, values, cycle = event.get("name"), event.get("args"), _number(event.get("ts"))
        if not isinstance(name, str) or not isinstance(values, dict) or cycle < 0:
            return
        amount = sum(map(_number, values.values()))
        if (levels := self._moved.get(name)) is not None:
            levels.add(cycle, amount)
            return
        if cycle >= self._width * BINS:
            self._reach(cycle)
        at = cycle // self._width
        if (held := self._held.get(name)) is not None:
            held[at] = (max(amount, held[at][0]) if at in held else amount, amount)
        elif len(self._moved) + len(self._held) < _COUNTERS:
            self._begin(name)
            self._add_sample(event)

    def _begin(self, counter: str) -> None:
        if counter.endswith((" read", " write")):
            self._moved[counter] = Levels()
        else:
            self._held[counter] = {}

    def _reach(self, cycle: int) -> None:
        """Widen the bins until they include the cycle."""
        while cycle >= self._width * BINS:
            self._width *= 2
            self._lanes = defaultdict(dict, {tid: halved(lane) for tid, lane in self._lanes.items()})
            self._dominant, self._repeated = halved(self._dominant), halved(self._repeated)
            for name, held in self._held.items():
                self._held[name] = halved_levels(held)

    def _kinds(self) -> tuple[list[OpType], dict[int, int]]:
        """Return the op types, distinguished ones by decreasing cycles, and the index in that list of every number."""
        ranked = sorted(self._ops.items(), key=lambda item: -self._cycles[item[1]])[:OPS]
        kinds = [OpType(work=Work.WAITING), OpType(work=Work.OTHER)]
        kinds += [
            OpType(work=Work.OP, qnn=str(qnn)[:_NAME], htp=str(htp)[:_NAME]) for (qnn, htp), _ in ranked
        ]
        return kinds, {0: 0} | {number: place + 2 for place, (_, number) in enumerate(ranked)}

    def _lane(self, name: str, filled: Bins, bins: int, places: dict[int, int]) -> Lane:
        busy, ops, width = [0] * bins, [-1] * bins, self._width
        for at, by_op in filled.items():
            if at < bins:
                ((most, taken),) = by_op.items() if len(by_op) == 1 else [_most_and_all(by_op)]
                busy[at] = 100 if taken >= width else max(1, round(100 * taken / width))
                ops[at] = places.get(most, 1)
        return Lane(name=name, busy=busy, op=ops)

    def _unit(self, tid: int) -> str:
        match = _TYPE.search(self._threads.get(tid, ""))
        return match[1] if match else ""

    def _name(self, tid: int) -> str:
        return f"{self._unit(tid) or 'thread'} {tid}"

    def _rank(self, tid: int) -> tuple[int, int]:
        unit = self._unit(tid)
        return (_ORDER.index(unit) if unit in _ORDER else len(_ORDER), tid)


def _most_and_all(by_op: dict[int, float]) -> tuple[int, float]:
    """Return the op type that takes most of a bin, and the total of all."""
    return max(by_op, key=by_op.__getitem__), sum(by_op.values())


def _number(value: object) -> int:
    """Return a number from a trace; 0 if it is not one."""
    return value if type(value) is int else int(value) if isinstance(value, float) else 0
