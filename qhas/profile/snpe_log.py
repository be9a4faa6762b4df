"""Reading SNPE's diagnostic log (`SNPEDiag*.log`) itself: times of single inferences without `snpe-diagview`.

A mark is followed by size-prefixed flatbuffers, as in QNN's profiling log: a root has a header (slot 0, in the first
one) and messages (slot 1), a message has events (slot 4), and an event has an identifier (0), a value (2), a unit (3)
and events of its own (4). Every offset is checked against the part that contains it. Field numbers come from real QNN
logs; SNPE's carry the same magic.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qhas.network.tables import Buffer, Table
from qhas.outside_bytes import read_file
from qhas.profile.diagview import LATENCIES, LatencyInvalid, Samples, Series, series_of

MARK = 0x0003D3AD
_MAGIC = 0x358637BD
_LARGEST = 64 << 20
_DEEPEST = 32
_MICROSECONDS = 1
_WORD = struct.Struct("<I")


def read_log_samples(path: Path, expected: int = 1) -> Samples:
    """Read the times of every inference. Raises LatencyInvalid for any other file, and for fewer than `expected`."""
    try:
        content = read_file(path, _LARGEST)
        if len(content) < 12 or _WORD.unpack_from(content)[0] != MARK:
            raise LatencyInvalid(f"{path.name} does not begin with the signature of a diagnostic log.")
        times: dict[Series, list[float]] = {}
        for event in _events(content):
            if event.series and event.unit == _MICROSECONDS and event.value:
                times.setdefault(event.series, []).append(float(event.value))
            elif event.series in LATENCIES:
                raise LatencyInvalid(f"{path.name} has {event.series} without a time in microseconds.")
    except OSError as error:
        raise LatencyInvalid(f"{path.name} cannot be read: {error}.") from error
    except (struct.error, ValueError) as error:
        raise LatencyInvalid(f"{path.name} is not a complete diagnostic log.") from error
    samples = Samples({series: tuple(times[series]) for series in Series if series in times})
    if not any(series in times for series in LATENCIES):
        raise LatencyInvalid(f"{path.name} has no event {' or '.join(map(repr, map(str, LATENCIES)))}.")
    if len(samples.values_us) < expected:
        raise LatencyInvalid(f"{path.name} has {len(samples.values_us)} times of {expected} inferences.")
    return samples


class _Event(NamedTuple):
    series: Series | None
    value: int
    unit: int


def _events(content: bytes) -> Iterator[_Event]:
    """Yield the events of all parts, in file order.

    Raises ValueError for an offset or a size that leads out of its part, or in circles.
    """
    position = _WORD.size
    while position < len(content):
        (size,) = _WORD.unpack_from(content, position)
        start = position + _WORD.size
        if size < _WORD.size or start + size > len(content):
            raise ValueError("a part is cut off")
        root = Buffer(content[start : start + size]).root()
        header = root.table(0)
        if position == _WORD.size and (header is None or header.integer(0, "I") != _MAGIC):
            raise ValueError("its header has the wrong magic number")
        for message in root.tables(1):
            for event in message.tables(4):
                yield from _walk(event, 0)
        position = start + size


def _walk(table: Table, depth: int) -> Iterator[_Event]:
    if depth > _DEEPEST:
        raise ValueError("its events are nested too deeply")
    name = table.blob(0).decode("utf-8", "replace")
    yield _Event(series_of(name), table.integer(2, "Q"), table.integer(3, "I"))
    for child in table.tables(4):
        yield from _walk(child, depth + 1)
