"""Write profiling logs for tests: a few flatbuffer tables, laid out as plainly as the format allows."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

MAGIC = 0x358637BD


@dataclass
class Scalar:
    """A number stored in the table itself, in the notation of `struct`."""

    form: str
    value: int


@dataclass
class Table:
    """Fields by slot: numbers in place; texts, blobs, tables and lists of tables by offset.

    A table that appears several times in a list is stored once.
    """

    slots: dict[int, object] = field(default_factory=dict)

    def write(self, buffer: bytearray) -> int:
        """Append this table and everything below it; return its position."""
        count = max(self.slots, default=-1) + 1
        offsets, inline, references = [0] * count, bytearray(), []
        for slot, value in self.slots.items():
            offsets[slot] = 4 + len(inline)
            if isinstance(value, Scalar):
                inline += struct.pack("<" + value.form, value.value)
            else:
                references.append((4 + len(inline), value))
                inline += bytes(4)
        vtable = len(buffer)
        buffer += struct.pack(f"<HH{count}H", 4 + 2 * count, 4 + len(inline), *offsets)
        position = len(buffer)
        buffer += struct.pack("<i", position - vtable) + inline
        for offset, value in references:
            target = _write_reference(buffer, value)
            struct.pack_into("<I", buffer, position + offset, target - (position + offset))
        return position


def _write_reference(buffer: bytearray, value: object) -> int:
    if isinstance(value, Table):
        return value.write(buffer)
    position = len(buffer)
    if isinstance(value, list):
        buffer += struct.pack("<I", len(value)) + bytes(4 * len(value))
        written: dict[int, int] = {}
        for place, item in enumerate(value):
            slot = position + 4 + 4 * place
            if id(item) not in written:
                written[id(item)] = item.write(buffer)
            struct.pack_into("<I", buffer, slot, written[id(item)] - slot)
        return position
    content = value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
    buffer += struct.pack("<I", len(content)) + content
    return position


def event(
    identifier: str,
    kind: int,
    value: int = 0,
    unit: int = 1,
    children: Sequence[Table] = (),
    payload: bytes | None = None,
) -> Table:
    slots: dict[int, object] = {
        0: identifier,
        1: Scalar("I", kind),
        2: Scalar("Q", value),
        3: Scalar("I", unit),
        4: list(children),
    }
    if payload is not None:
        slots[8] = payload
    return Table(slots)


def message(graph: str, events: Sequence[Table], method: int = 2) -> Table:
    return Table({1: Scalar("B", method), 4: list(events), 5: graph})


def chunk(messages: Sequence[Table], header: bool = True, magic: int = MAGIC) -> bytes:
    """Return one size-prefixed flatbuffer; only the first of a log has the header."""
    slots: dict[int, object] = {1: list(messages)}
    if header:
        slots[0] = Table({0: Scalar("I", magic), 4: "2.51.0", 5: "HTP", 6: "snpe-net-run"})
    buffer = bytearray(8)
    root = Table(slots).write(buffer)
    struct.pack_into("<II", buffer, 0, len(buffer) - 4, root - 4)
    return bytes(buffer)


def trace_object(payload: bytes, graph: str, kind: int = 3) -> bytes:
    """Return the simulator's blob: seven words, JSON, the graph's name."""
    name = graph.encode()
    total = 56 + len(payload) + len(name)
    return struct.pack("<7Q", 0x0001000000000000, 0, total, kind, 0, len(payload), len(name)) + payload + name
