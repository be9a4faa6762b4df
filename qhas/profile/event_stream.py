"""The events of a chrometrace as written in the file, in any JSON layout, batch by batch and never all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import orjson

from qhas.profile.mending import Mended, first_fault, mended, mended_prefix

Event = dict[str, Any]
"""An event as written in the file."""
_EVENTS = "traceEvents"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WINDOW = 1 << 16
"""Bytes parsed at once. The result of more would not stay in the processor's cache: 1 MiB takes twice as long."""
_NEAR = 1 << 12
"""Bytes at the end of a window that contain a border between events, unless an event is longer."""
_LONGEST = 1 << 22
"""Size in bytes above which an event, or another member of the file, is refused. This bounds the memory."""
_TOO_LONG = f", or is over {_LONGEST >> 20} MiB"
_NO_EVENTS = "has no traceEvents"
_CUT = "is cut off after {} events"
_ODDITIES = 5
"""How many odd values are named: the first ones."""
_INK = re.compile(rb"[^ \t\r\n]")
_BORDER = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")
_SCALAR = re.compile(rb"[^ \t\r\n,:\"{}\[\]]++")
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?P<string>"?)|(?P<opens>[{\[])|(?P<closes>[}\]])', re.DOTALL)


class Damage(Exception):
    """What is wrong with the file, as a sentence without its subject."""


class _Oddities:
    """The values of a file that are not valid JSON: the first ones, and how many there are."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, value: Mended, offset: int) -> None:
        self._count += len(value.oddities)
        for what, at in value.oddities[: _ODDITIES - len(self._first)]:
            self._first.append(f"contains {what} at byte {offset + at}")

    def sentences(self) -> list[str]:
        more = self._count - len(self._first)
        return [*self._first, *([f"contains {more} more of this kind"] if more else [])]


@dataclass(frozen=True)
class _Place:
    """The messages for a file that ends where a value is expected, and for a damaged value."""

    cut: str
    damaged: str

    @classmethod
    def event(cls, number: int) -> _Place:
        return cls(f"is cut off at event {number}", f"is damaged at event {number}")

    @classmethod
    def member(cls, sentence: str) -> _Place:
        return cls(sentence, sentence)


class Window:
    """The part of the file being read: `data` from `at` on."""

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.data = source.read(_WINDOW)
        self.at = 0
        self.offset = 0
        """The position in the file at which `data` begins."""
        self.oddities = _Oddities()

    def grow(self, why_not: str) -> None:
        """Read at least one more byte of the file. Raises Damage if there is none, or if too much is held."""
        kept = self.data[self.at :]
        added = self.source.read(max(_WINDOW, len(kept))) if len(kept) <= _LONGEST else b""
        if not added:
            raise Damage(why_not if len(kept) <= _LONGEST else why_not + _TOO_LONG)
        self.offset += self.at
        self.data, self.at = kept + added, 0

    def peek(self, why_not: str) -> bytes:
        """Advance to the next non-blank byte and return it. Raises Damage at the end of the file."""
        while not (ink := _INK.search(self.data, self.at)):
            self.at = len(self.data)
            self.grow(why_not)
        self.at = ink.start()
        return ink.group()

    def ended(self) -> bool:
        """Whether only blanks remain."""
        try:
            self.peek("")
        except Damage:
            return True
        return False

    def take(self, expected: bytes, why_not: str) -> None:
        """Consume the expected byte. Raises Damage if a different one is found."""
        if self.peek(why_not) != expected:
            raise Damage(why_not)
        self.at += 1

    def value(self, place: _Place) -> Any:
        """Parse and consume the next value. Raises Damage if it is cut off, damaged or too long."""
        self.peek(place.cut)
        while not (end := _end_of_value(self.data, self.at)):
            held = len(self.data) - self.at
            if held > _LONGEST:
                return self._rescued(place, place.damaged + _TOO_LONG)
            if held >= _WINDOW and (found := self._line()):
                return self._stepped(found, place)
            try:
                self.grow(place.cut)
            except Damage:
                return self._rescued(place, place.cut)
        if end - self.at > _LONGEST:
            raise Damage(place.damaged + _TOO_LONG)
        text = self.data[self.at : end]
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            if not (odd := mended(text)):
                return self._rescued(place, place.damaged)
            value = self._passed(odd, place)
        self.at = end
        return value

    def _line(self) -> tuple[Mended, int] | None:
        """Return the value that fills this line, and its length; None if none does.

        For a value whose end is hidden: JSON strings never span lines.
        """
        line = self.data[self.at : self.data.find(b"\n", self.at) + 1].rstrip(b", \t\r\n")
        mended = mended_prefix(line, _end_of_value)
        return mended if mended and mended[1] == len(line) else None

    def _rescued(self, place: _Place, why_not: str) -> Any:
        """Return the next value, whose end is hidden by a backslash. Raises Damage if anything else is wrong."""
        text = self.data[self.at : self.at + _LONGEST]
        if mended := mended_prefix(text, _end_of_value):
            return self._stepped(mended, place)
        if (fault := first_fault(text)) and place.damaged != place.cut:
            raise Damage(f"{place.damaged}, byte {self.offset + self.at + fault.at}: {fault.what}")
        raise Damage(why_not)

    def _stepped(self, found: tuple[Mended, int], place: _Place) -> Any:
        value = self._passed(found[0], place)
        self.at += found[1]
        return value

    def _passed(self, odd: Mended, place: _Place) -> Any:
        """Note the oddities of a mended value and return it. Raises Damage for an event left without a time."""
        here = self.offset + self.at
        if isinstance(odd.value, dict) and None in (odd.value.get("ts", 0), odd.value.get("dur", 0)):
            what, at = odd.oddities[0]
            raise Damage(f"{place.damaged}, byte {here + at}: {what} as a time")
        self.oddities.add(odd, here)
        return odd.value

    def values_up_to(self, end: int) -> list[Any] | None:
        """Parse and consume the values up to `end`; None, with nothing consumed, if they are not a list of values."""
        try:
            values: list[Any] = orjson.loads(b"".join((b"[", memoryview(self.data)[self.at : end], b"]")))
        except orjson.JSONDecodeError:
            return None
        self.at = end
        return values

    def border(self) -> int:
        """Guess where a value ends and an event begins, as late in the next 64 KiB as possible; 0 if nowhere.

        The guess proves itself: if everything between one border and the guess parses as a list of values, then the
        guess is a border, and not inside a string or an event.
        """
        if len(self.data) - self.at < _WINDOW:
            self.offset += self.at
            self.data, self.at = self.data[self.at :] + self.source.read(_WINDOW), 0
        end = min(self.at + _WINDOW, len(self.data))
        for begin in (max(self.at, end - _NEAR), self.at):
            if borders := list(_BORDER.finditer(self.data, begin, end)):
                return borders[-1].start() + 1
        return 0


def _end_of_value(data: bytes, at: int) -> int:
    """Return the end of the JSON value that begins here, without validating it; 0 if `data` ends before that."""
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


def batches(window: Window) -> Iterator[list[Event]]:
    """Yield all events of the file. Raises Damage, possibly only at the end, if the file is not complete."""
    if not window.data:
        raise Damage("is empty")
    if window.data.startswith(_BYTE_ORDER_MARK):
        raise Damage("begins with a byte order mark, at which Perfetto stops")
    if window.peek(_NO_EVENTS) == b"[":
        yield from _elements(window)
    else:
        yield from _members(window)
    if not window.ended():
        raise Damage("continues after its end")


def _members(window: Window) -> Iterator[list[Event]]:
    """Yield the events of an object that has them as one of its members, whatever comes before and after them."""
    window.take(b"{", _NO_EVENTS)
    found, why_not = False, _NO_EVENTS
    while True:
        key = window.value(_Place.member(why_not))
        if not isinstance(key, str):
            raise Damage(why_not)
        window.take(b":", why_not)
        if key != _EVENTS:
            window.value(_Place.member(why_not))
        elif found:
            raise Damage("has traceEvents twice")
        else:
            yield from _elements(window)
            found, why_not = True, "is cut off or damaged after its last event"
        if window.peek(why_not) == b"}":
            break
        window.take(b",", why_not)
    window.at += 1
    if not found:
        raise Damage(_NO_EVENTS)


def _elements(window: Window) -> Iterator[list[Event]]:
    """Yield the events of the array that begins here. Only that they are JSON is checked, not what they contain."""
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
            raise Damage("has a comma after its last event")
    window.at += 1
