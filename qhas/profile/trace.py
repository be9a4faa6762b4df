"""Chrometraces of any size: checked and summarised in a stream, in whatever layout of JSON, plain or gzipped.

A trace is what a JSON parser and Perfetto both read: an object with `traceEvents`, or an array of events. Perfetto also
takes missing commas and an array that is never closed; a file that was cut off looks the same, so they are refused.

Values that JSON does not know and a program prints nevertheless, as `nan`, are no damage: they are named and passed over.

`ts` and `dur` are HTP cycles. Every op stands under pid 0 and once more under the pid of its QNN node, so figures
count pid 0 only. Tensors that were not executed are events too, without cycles among their arguments.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, cast

import orjson

from qhas.profile.mending import Mended, first_fault, mended, mended_prefix

Event = dict[str, Any]
"""An event as it stands in the file."""
_PHASE = itemgetter("ph")
_FLOWS = ("s", "t", "f")
_EVENTS = "traceEvents"
_EXECUTED = "Duration (cycles)"
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WINDOW = 1 << 16
"""Bytes parsed at once. What more of them parse to would not stay in the processor's cache: 1 MiB takes twice as long."""
_NEAR = 1 << 12
"""Bytes at the end of a window that hold a border between events, unless one is longer."""
_LONGEST = 1 << 22
"""Bytes of an event, or of another member of the file, above which it is refused. It bounds the memory."""
_TOO_LONG = f", or is over {_LONGEST >> 20} MiB"
_NO_EVENTS = "has no traceEvents"
_CUT = "is cut off after {} events"
_ODDITIES = 5
"""Odd values that are named; of more, the first ones."""
_INK = re.compile(rb"[^ \t\r\n]")
_BORDER = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_SCALAR = re.compile(rb"[^ \t\r\n,:\"{}\[\]]++")
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<string>"?)|(?P<opens>[{\[])|(?P<closes>[}\]])', re.DOTALL)


class TraceInvalid(Exception):
    """The file is not a whole chrometrace. The message says where it breaks."""


class _Damage(Exception):
    """What is wrong with the file: a sentence without its subject."""


@dataclass
class TraceFacts:
    """Figures of a chrometrace. Cycles count from the graph's first cycle."""

    events: int = 0
    ops: int = 0
    end_cycle: int = 0
    counters: int = 0
    flows: int = 0
    oddities: list[str] = field(default_factory=list)
    """Sentences without subject on values that JSON does not know, which count for nothing."""


@dataclass
class OpTypeCycles:
    """What the executed ops of an HTP op type took. Cycles add up over parallel threads: work, not time."""

    op: str
    ops: int = 0
    cycles: int = 0
    dominant_cycles: int = 0


@dataclass(frozen=True)
class TraceSummary:
    """What a report says of a chrometrace: events by phase, op types by falling cycles, the overview's thread names."""

    facts: TraceFacts
    phases: dict[str, int]
    op_types: tuple[OpTypeCycles, ...]
    threads: dict[int, str]


def check_trace(path: Path) -> TraceFacts:
    """Read a chrometrace to its end. Raises TraceInvalid if it is empty, not JSON, cut off, or holds no executed op."""
    return read_trace(path, lambda _events, _executed: None)


def summarise_trace(path: Path) -> TraceSummary:
    """As check_trace, with tables, for a tenth to a quarter more time. Also refuses an op without a number of cycles."""
    phases = Counter[str]()
    threads: dict[int, str] = {}
    op_types: dict[str, OpTypeCycles] = {}

    def add(events: list[Event], executed: list[Event]) -> None:
        phases.update(map(_PHASE, events))
        threads.update(thread_names(events))
        _add_op_types(op_types, executed)

    facts = read_trace(path, add)
    ranked = sorted(op_types.values(), key=lambda row: (-row.cycles, row.op))
    return TraceSummary(facts, dict(phases), tuple(ranked), threads)


def read_trace(path: Path, also: Callable[[list[Event], list[Event]], None]) -> TraceFacts:
    """As check_trace; `also` gets the events batch by batch, and those of them that are executed ops of the overview."""
    facts = TraceFacts()
    try:
        with _opened(path) as source:
            window = _Window(source)
            for events in _batches(window):
                also(events, _count(facts, events))
            facts.oddities = window.oddities.sentences()
        if not facts.ops:
            raise _Damage("holds no op that was executed")
    except _Damage as damage:
        raise TraceInvalid(f"{path.name} {damage}") from damage
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceInvalid(f"{path.name} is cut off or damaged in its gzip data: {error}") from error
    return facts


def _count(facts: TraceFacts, events: list[Event]) -> list[Event]:
    """Add the events to the figures. Returns the executed ops among them."""
    try:
        phases = Counter(map(_PHASE, events))
        if not all(isinstance(phase, str) for phase in phases):
            raise TypeError("its phase is no string")
        executed = [
            event
            for event in events
            if event["ph"] == "X" and event.get("pid") == 0 and _EXECUTED in event.get("args", ())
        ]
        end_cycle = max((int(float(event["ts"]) + float(event["dur"])) for event in executed), default=0)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        if len(events) == 1:
            raise _Damage(f"has an event {facts.events + 1} that is none: {error!r}") from error
        return [op for event in events for op in _count(facts, [event])]
    facts.events += len(events)
    facts.ops += len(executed)
    facts.end_cycle = max(facts.end_cycle, end_cycle)
    facts.counters += phases["C"]
    facts.flows += sum(phases[phase] for phase in _FLOWS)
    return executed


def _add_op_types(rows: dict[str, OpTypeCycles], executed: list[Event]) -> None:
    for event in executed:
        args = event["args"]
        try:
            op = str(args.get("HTP Op Type") or event["name"])
            cycles, dominant = int(args[_EXECUTED]), int(args.get("Dominant Path Cycles", 0))
            row = rows.get(op) or rows.setdefault(op, OpTypeCycles(op))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise _Damage(f"has an op at cycle {event['ts']} without type or cycles: {error!r}") from error
        row.ops += 1
        row.cycles += cycles
        row.dominant_cycles += dominant


def thread_names(events: list[Event]) -> Iterator[tuple[int, str]]:
    """Thread numbers of the overview with their names, as far as these events tell them."""
    for event in events:
        if event["ph"] == "M" and event.get("name") == "thread_name" and event.get("pid") == 0:
            match event:
                case {"tid": int(tid), "args": {"name": str(name)}}:
                    yield tid, name


def _opened(path: Path) -> IO[bytes]:
    """The trace as plain bytes. What it is packed with is told by its first bytes, not by its name."""
    with path.open("rb") as source:
        packed = source.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


class _Oddities:
    """The values of a file that JSON does not know: the first ones, and how many."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, value: Mended, offset: int) -> None:
        self._count += len(value.oddities)
        for what, at in value.oddities[: _ODDITIES - len(self._first)]:
            self._first.append(f"holds {what} at byte {offset + at}")

    def sentences(self) -> list[str]:
        more = self._count - len(self._first)
        return [*self._first, *([f"holds {more} more of the kind"] if more else [])]


@dataclass(frozen=True)
class _Place:
    """What is said of a file that ends where a value should, and of one whose value is none."""

    cut: str
    damaged: str

    @classmethod
    def event(cls, number: int) -> _Place:
        return cls(f"is cut off at event {number}", f"is damaged at event {number}")

    @classmethod
    def member(cls, sentence: str) -> _Place:
        return cls(sentence, sentence)


class _Window:
    """The part of the file that is looked at: `data` from `at` on."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.data = source.read(_WINDOW)
        self.at = 0
        self.offset = 0
        """Where in the file `data` begins."""
        self.oddities = _Oddities()

    def grow(self, why_not: str) -> None:
        """Have at least one byte more of the file. Raises _Damage when there is none, or too much is held."""
        kept = self.data[self.at :]
        added = self.source.read(max(_WINDOW, len(kept))) if len(kept) <= _LONGEST else b""
        if not added:
            raise _Damage(why_not if len(kept) <= _LONGEST else why_not + _TOO_LONG)
        self.offset += self.at
        self.data, self.at = kept + added, 0

    def peek(self, why_not: str) -> bytes:
        """The next byte that is not blank, at which the window then stands. Raises _Damage at the end of the file."""
        while not (ink := _INK.search(self.data, self.at)):
            self.at = len(self.data)
            self.grow(why_not)
        self.at = ink.start()
        return ink.group()

    def ended(self) -> bool:
        """Whether nothing but blanks is left."""
        try:
            self.peek("")
        except _Damage:
            return True
        return False

    def take(self, expected: bytes, why_not: str) -> None:
        """Step over one byte. Raises _Damage where another one stands."""
        if self.peek(why_not) != expected:
            raise _Damage(why_not)
        self.at += 1

    def value(self, place: _Place) -> Any:
        """Parse the next value, of whatever length, and step over it. Raises _Damage."""
        self.peek(place.cut)
        while not (end := _end_of_value(self.data, self.at)):
            held = len(self.data) - self.at
            if held > _LONGEST:
                return self._rescued(place, place.damaged + _TOO_LONG)
            if held >= _WINDOW and (
                found := mended_prefix(self.data[self.at : self.at + _WINDOW], _end_of_value)
            ):
                return self._stepped(found, place)
            try:
                self.grow(place.cut)
            except _Damage:
                return self._rescued(place, place.cut)
        if end - self.at > _LONGEST:
            raise _Damage(place.damaged + _TOO_LONG)
        text = self.data[self.at : end]
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            if not (odd := mended(text)):
                return self._rescued(place, place.damaged)
            value = self._passed(odd, place)
        self.at = end
        return value

    def _rescued(self, place: _Place, why_not: str) -> Any:
        """The next value, whose end is hidden by a backslash. Raises _Damage where it is something else."""
        text = self.data[self.at : self.at + _LONGEST]
        if found := mended_prefix(text, _end_of_value):
            return self._stepped(found, place)
        if (fault := first_fault(text)) and place.damaged != place.cut:
            raise _Damage(f"{place.damaged}, byte {self.offset + self.at + fault.at}: {fault.what}")
        raise _Damage(why_not)

    def _stepped(self, found: tuple[Mended, int], place: _Place) -> Any:
        value = self._passed(found[0], place)
        self.at += found[1]
        return value

    def _passed(self, odd: Mended, place: _Place) -> Any:
        """A value with odd ones in it, which are noted. Raises _Damage for an event that cannot be placed without."""
        here = self.offset + self.at
        if isinstance(odd.value, dict) and None in (odd.value.get("ts", 0), odd.value.get("dur", 0)):
            what, at = odd.oddities[0]
            raise _Damage(f"{place.damaged}, byte {here + at}: {what} for a time")
        self.oddities.add(odd, here)
        return odd.value

    def values_up_to(self, end: int) -> list[Any] | None:
        """Parse a list of values and step over them. None where `data` to the end is no such list: nothing is done."""
        try:
            values: list[Any] = orjson.loads(b"".join((b"[", memoryview(self.data)[self.at : end], b"]")))
        except orjson.JSONDecodeError:
            return None
        self.at = end
        return values

    def border(self) -> int:
        """Where a value seems to end and an event to begin, as late in the next 64 KiB as can be; 0 for nowhere.

        A guess that proves itself: if all that stands between one border and the guess is a list of values, then the
        guess is a border, and neither within a string nor within an event.
        """
        if len(self.data) - self.at < _WINDOW:
            self.offset += self.at
            self.data, self.at = self.data[self.at :] + self.source.read(_WINDOW), 0
        end = min(self.at + _WINDOW, len(self.data))
        for begin in (max(self.at, end - _NEAR), self.at):
            if found := list(_BORDER.finditer(self.data, begin, end)):
                return found[-1].start() + 1
        return 0


def _end_of_value(data: bytes, at: int) -> int:
    """Behind the JSON value that begins here; 0 when `data` does not reach there. Does not judge the value."""
    if scalar := _SCALAR.match(data, at):
        return scalar.end() if scalar.end() < len(data) else 0
    depth = 0
    for mark in _MARK.finditer(data, at):
        if mark["string"] == b"":
            return 0
        depth += (mark["opens"] is not None) - (mark["closes"] is not None)
        if depth <= 0:
            return mark.end()
    return 0


def _batches(window: _Window) -> Iterator[list[Event]]:
    """All events of the file. Raises _Damage in the end if the file is not whole."""
    if not window.data:
        raise _Damage("is empty")
    if window.data.startswith(_BYTE_ORDER_MARK):
        raise _Damage("begins with a byte order mark, at which Perfetto stops")
    if window.peek(_NO_EVENTS) == b"[":
        yield from _elements(window)
    else:
        yield from _members(window)
    if not window.ended():
        raise _Damage("goes on behind its end")


def _members(window: _Window) -> Iterator[list[Event]]:
    """The events of an object that has them as one of its members, whatever stands before and behind them."""
    window.take(b"{", _NO_EVENTS)
    found, why_not = False, _NO_EVENTS
    while True:
        key = window.value(_Place.member(why_not))
        if not isinstance(key, str):
            raise _Damage(why_not)
        window.take(b":", why_not)
        if key != _EVENTS:
            window.value(_Place.member(why_not))
        elif found:
            raise _Damage("has traceEvents twice")
        else:
            yield from _elements(window)
            found, why_not = True, "is cut off or damaged behind its last event"
        if window.peek(why_not) == b"}":
            break
        window.take(b",", why_not)
    window.at += 1
    if not found:
        raise _Damage(_NO_EVENTS)


def _elements(window: _Window) -> Iterator[list[Event]]:
    """The events of the array that begins here. What they are is not looked at, only that they are JSON."""
    window.take(b"[", _NO_EVENTS)
    number = distrusted = 0
    if window.peek(_CUT.format(number)) == b"]":
        window.at += 1
        return
    while True:
        end = window.border() if window.offset + window.at >= distrusted else 0
        if end and (events := window.values_up_to(end)) is None:
            distrusted = window.offset + end
        if not end or events is None:
            events = [window.value(_Place.event(number + 1))]
        yield events
        number += len(events)
        if window.peek(_CUT.format(number)) == b"]":
            break
        window.take(b",", f"has no comma before event {number + 1}")
        if window.peek(_CUT.format(number)) == b"]":
            raise _Damage("has a comma behind its last event")
    window.at += 1
