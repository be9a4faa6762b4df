"""Reader of QNN profiling logs (`qnn-profiling-data*.log`).

A log is a sequence of size-prefixed flatbuffers, one per closed serialization target. The root of each holds an
optional header (slot 0) and the messages (slot 1); a message holds a tree of events. Every offset is checked against
its chunk, so a truncated or foreign file results in `LogError` and never in a wrong figure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hostsdk.bounded import LARGEST_LOG, read_file
from hostsdk.errors import Refusal
from hostsdk.events import Event

_MAGIC = 0x358637BD
_DIAGNOSTIC_MARK = 0x0003D3AD
_DEEPEST = 32
_PREFIX = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_VTABLE = struct.Struct("<HH")


class LogError(Refusal, ValueError):
    """The bytes are not a complete QNN profiling log."""


@dataclass(frozen=True, slots=True)
class Message:
    """The events of one QNN call on one graph; `method` numbers the call: 1 execute, 2 finalize, 4 create from binary."""

    method: int
    graph: str
    events: tuple[Event, ...]

    def values(self) -> dict[int, int]:
        """Return values by event type; of events with the same type, the first counts."""
        by_type: dict[int, int] = {}
        for root in self.events:
            for event, _ in root.walk():
                by_type.setdefault(event.type, event.value)
        return by_type


@dataclass(frozen=True, slots=True)
class Log:
    """What the log says about its writer, and its messages in file order."""

    application: str
    version: str
    backend: str
    messages: tuple[Message, ...]


def read_log(path: Path) -> Log:
    """Read one log file; raises `LogError` naming the file when it is missing, empty or damaged."""
    try:
        content = read_file(path, LARGEST_LOG)
    except OSError as fault:
        raise LogError(
            f"The profiling log {path} cannot be read ({fault.strerror}); give the log of the run to --input_log."
        ) from fault
    if content[:4] == _PREFIX.pack(_DIAGNOSTIC_MARK):
        raise LogError(
            f"{path} is SNPE's diagnostic log (SNPEDiag), which times whole inferences and contains no ops; give "
            "profilelogs/qnn-profiling-data*.log of the same run to --input_log, or this file to snpe-diagview."
        )
    try:
        return parse_log(content)
    except LogError as fault:
        raise LogError(
            f"{path} is not a complete QNN profiling log: {fault}; run the graph again."
        ) from fault


def parse_log(content: bytes) -> Log:
    """Parse the bytes of a log; raises `LogError` for anything but a complete one."""
    if not content:
        raise LogError("it is empty")
    writer = ("", "", "")
    messages: list[Message] = []
    position = 0
    while position < len(content):
        chunk = _chunk(content, position)
        try:
            root = _Table(chunk, _follow(chunk, 4))
            if position == 0:
                writer = _writer(root)
            budget = _Budget(len(chunk) // 4)
            messages += [_message(table, budget) for table in root.tables(1)]
        except (struct.error, IndexError) as fault:
            raise LogError(f"an offset in the part at byte {position} points outside of it") from fault
        position += len(chunk)
    return Log(*writer, messages=tuple(messages))


def _writer(root: _Table) -> tuple[str, str, str]:
    """Return the application that wrote the log, its version, and that of the backend."""
    header = root.table(0)
    if header is None or header.number(0, "I") != _MAGIC:
        raise LogError("it does not begin with a profiling header")
    return header.text(6), header.text(4), header.text(5)


class _Budget:
    """A limit on tables: no log holds more than it has words. It stops offsets that fan out over the same bytes."""

    def __init__(self, tables: int) -> None:
        self.left = tables

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise LogError("its events repeat endlessly")


class _Table:
    """A flatbuffer table: fields by slot number; an absent field reads as its default."""

    __slots__ = ("_chunk", "_position", "_slots")

    def __init__(self, chunk: memoryview, position: int) -> None:
        self._chunk = chunk
        self._position = position
        vtable = position - _SIGNED.unpack_from(chunk, position)[0]
        if not 0 <= vtable <= len(chunk) - _VTABLE.size:
            raise LogError("a table points outside of the file")
        size, _ = _VTABLE.unpack_from(chunk, vtable)
        self._slots: tuple[int, ...] = struct.unpack_from(f"<{max(size - 4, 0) // 2}H", chunk, vtable + 4)

    def _field(self, slot: int) -> int:
        offset = self._slots[slot] if slot < len(self._slots) else 0
        return self._position + offset if offset else 0

    def number(self, slot: int, form: str) -> int:
        field = self._field(slot)
        return int(struct.unpack_from("<" + form, self._chunk, field)[0]) if field else 0

    def table(self, slot: int) -> _Table | None:
        field = self._field(slot)
        return _Table(self._chunk, _follow(self._chunk, field)) if field else None

    def blob(self, slot: int) -> bytes | None:
        field = self._field(slot)
        if not field:
            return None
        start, length = self._vector(field, 1)
        return bytes(self._chunk[start : start + length])

    def text(self, slot: int) -> str:
        return (self.blob(slot) or b"").decode("utf-8", "replace")

    def tables(self, slot: int) -> Iterator[_Table]:
        field = self._field(slot)
        if not field:
            return
        start, count = self._vector(field, 4)
        for position in range(start, start + 4 * count, 4):
            yield _Table(self._chunk, _follow(self._chunk, position))

    def _vector(self, field: int, width: int) -> tuple[int, int]:
        place = _follow(self._chunk, field)
        count = _PREFIX.unpack_from(self._chunk, place)[0]
        if place + 4 + width * count > len(self._chunk):
            raise LogError("a list runs past the end of the file")
        return place + 4, count


def _chunk(content: bytes, position: int) -> memoryview:
    """Return the size-prefixed flatbuffer at `position`, prefix included."""
    remaining = len(content) - position
    if remaining < 8:
        raise LogError(f"{remaining} stray bytes at its end")
    (size,) = _PREFIX.unpack_from(content, position)
    if size < 4 or size > remaining - 4:
        raise LogError(
            f"the part at byte {position} claims {size} bytes, but the file has only {remaining - 4} more"
        )
    return memoryview(content)[position : position + 4 + size]


def _follow(chunk: memoryview, position: int) -> int:
    target = position + int(_PREFIX.unpack_from(chunk, position)[0])
    if target > len(chunk) - 4:
        raise LogError("an offset points outside of the file")
    return target


def _message(table: _Table, budget: _Budget) -> Message:
    events = tuple(_event(event, budget, 0) for event in table.tables(4))
    return Message(method=table.number(1, "B"), graph=table.text(5), events=events)


def _event(table: _Table, budget: _Budget, depth: int) -> Event:
    budget.spend()
    if depth > _DEEPEST:
        raise LogError(f"its events are nested deeper than {_DEEPEST}")
    return Event(
        identifier=table.text(0),
        type=table.number(1, "I"),
        value=table.number(2, "Q"),
        unit=table.number(3, "I"),
        payload=table.blob(8),
        sub_events=tuple(_event(child, budget, depth + 1) for child in table.tables(4)),
    )
