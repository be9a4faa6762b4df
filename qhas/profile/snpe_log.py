"""SNPE's diagnostic log (`SNPEDiag*.log`) itself: times of single inferences without `snpe-diagview`.

Behind a mark stand size-prefixed flatbuffers, as in QNN's profiling log: a root has a header (slot 0, in the first one) and
messages (slot 1), a message has events (slot 4), and an event an identifier (0), a value (2), a unit (3) and events of its
own (4). Every offset is checked against the part it lies in. Field numbers are of real logs of QNN; SNPE's carry the same magic.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qhas.outside_bytes import read_file
from qhas.profile.diagview import LATENCIES, LatencyInvalid, Samples, Series, series_of

MARK = 0x0003D3AD
_MAGIC = 0x358637BD
_LARGEST = 64 << 20
_DEEPEST = 32
_MICROSECONDS = 1
_WORD = struct.Struct("<I")


def read_log_samples(path: Path, expected: int = 1) -> Samples:
    """Times of every inference of the log. Raises LatencyInvalid for any other file, and for fewer than `expected`."""
    try:
        content = read_file(path, _LARGEST)
        if len(content) < 12 or _WORD.unpack_from(content)[0] != MARK:
            raise LatencyInvalid(f"{path.name} does not begin with the mark of a diagnostic log.")
        found: dict[Series, list[float]] = {}
        for event in _events(content):
            if event.series and event.unit == _MICROSECONDS and event.value:
                found.setdefault(event.series, []).append(float(event.value))
            elif event.series in LATENCIES:
                raise LatencyInvalid(f"{path.name} has no microseconds where it has {event.series}.")
    except OSError as error:
        raise LatencyInvalid(f"{path.name} cannot be read: {error}.") from error
    except (struct.error, IndexError, _Damaged) as error:
        raise LatencyInvalid(f"{path.name} is not a complete diagnostic log.") from error
    samples = Samples({series: tuple(found[series]) for series in Series if series in found})
    if not any(series in found for series in LATENCIES):
        raise LatencyInvalid(f"{path.name} has no event {' or '.join(map(repr, map(str, LATENCIES)))}.")
    if len(samples.values_us) < expected:
        raise LatencyInvalid(f"{path.name} has {len(samples.values_us)} times of {expected} inferences.")
    return samples


class _Damaged(Exception):
    """An offset or a size leads out of the file, or in circles."""


class _Event(NamedTuple):
    series: Series | None
    value: int
    unit: int


def _events(content: bytes) -> Iterator[_Event]:
    """Of all parts, in the order of the file."""
    position, budget = _WORD.size, [len(content) // 4]
    while position < len(content):
        (size,) = _WORD.unpack_from(content, position)
        part = memoryview(content)[position : position + 4 + size]
        if size < 4 or len(part) < 4 + size:
            raise _Damaged
        root = _Table(part, _follow(part, 4))
        if (
            position == _WORD.size
            and next((t.number(0, "I") for t in root.tables(0, single=True)), 0) != _MAGIC
        ):
            raise _Damaged
        for message in root.tables(1):
            for event in message.tables(4):
                yield from _walk(event, budget, 0)
        position += len(part)


def _walk(table: _Table, budget: list[int], depth: int) -> Iterator[_Event]:
    budget[0] -= 1  # no log holds more events than words: offsets may lead to the same bytes again and again
    if budget[0] < 0 or depth > _DEEPEST:
        raise _Damaged
    yield _Event(series_of(table.text(0)), table.number(2, "Q"), table.number(3, "I"))
    for child in table.tables(4):
        yield from _walk(child, budget, depth + 1)


class _Table:
    """A flatbuffer table: fields by slot; an absent one is 0 or empty."""

    def __init__(self, part: memoryview, position: int) -> None:
        self._part, self._position = part, position
        vtable = position - struct.unpack_from("<i", part, position)[0]
        if not 0 <= vtable <= len(part) - 4:
            raise _Damaged
        (size,) = struct.unpack_from("<H", part, vtable)
        self._slots: tuple[int, ...] = struct.unpack_from(f"<{max(size - 4, 0) // 2}H", part, vtable + 4)

    def _field(self, slot: int) -> int:
        offset = self._slots[slot] if slot < len(self._slots) else 0
        return self._position + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        field = self._field(slot)
        return int(struct.unpack_from(f"<{form}", self._part, field)[0]) if field else 0

    def text(self, slot: int) -> str:
        if not (field := self._field(slot)):
            return ""
        start, count = self._vector(field, 1)
        return bytes(self._part[start : start + count]).decode("utf-8", "replace")

    def tables(self, slot: int, *, single: bool = False) -> Iterator[_Table]:
        """Those of a list, or the one that stands there alone."""
        if not (field := self._field(slot)):
            return
        if single:
            yield _Table(self._part, _follow(self._part, field))
            return
        start, count = self._vector(field, 4)
        for position in range(start, start + 4 * count, 4):
            yield _Table(self._part, _follow(self._part, position))

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        place = _follow(self._part, field)
        (count,) = _WORD.unpack_from(self._part, place)
        if place + 4 + width * count > len(self._part):
            raise _Damaged
        return place + 4, count


def _follow(part: memoryview, position: int) -> int:
    target = position + int(_WORD.unpack_from(part, position)[0])
    if target > len(part) - 4:
        raise _Damaged
    return target
