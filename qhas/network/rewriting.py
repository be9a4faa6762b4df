"""Tables of a flatbuffer as rows that can be changed and written again: the result holds only what is in the rows.

Anything that is not a text, list or table stays as its bytes, so unknown fields keep their values.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from qhas.network.tables import Table

_OFFSET = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_ALIGNMENT = 8


class Kind(Enum):
    """What a field points to."""

    TEXT = auto()
    TEXTS = auto()
    BYTES = auto()
    NUMBERS = auto()
    """Integers of 32 bits."""
    TABLE = auto()
    TABLES = auto()


@dataclass(frozen=True)
class Field:
    """A field that points to something; for tables, `fields` describes their own fields."""

    kind: Kind
    fields: Fields


Fields = Mapping[int, Field]
"""Fields by slot. A slot that is not listed holds a number."""

TEXT, TEXTS, BYTES, NUMBERS = (Field(kind, {}) for kind in (Kind.TEXT, Kind.TEXTS, Kind.BYTES, Kind.NUMBERS))


def table(fields: Fields) -> Field:
    """Describe a table with these fields."""
    return Field(Kind.TABLE, fields)


def tables(fields: Fields) -> Field:
    """Describe a list of tables with these fields."""
    return Field(Kind.TABLES, fields)


@dataclass
class Row:
    """A table: its numbers as bytes, and what it points to, by slot."""

    slots: tuple[int, ...]
    """Where each field's bytes begin; 0 for an absent field."""
    numbers: bytearray
    place: int
    """The position of its bytes modulo 8: numbers of 64 bits are aligned."""
    fields: Fields
    points_to: dict[int, Any]

    @classmethod
    def read(cls, source: Table, fields: Fields) -> Row:
        """Read a table and everything below it. Raises ValueError for offsets outside the record."""
        slots, numbers, place = source.inline()
        held = {
            slot: _READ[field.kind](source, slot, field.fields)
            for slot, field in fields.items()
            if slot < len(slots) and slots[slot]
        }
        return cls(slots, bytearray(numbers), place % _ALIGNMENT, fields, held)

    def whole(self, slot: int, form: str = "i") -> int:
        """Return a number; 0 if there is none."""
        start = self.slots[slot] if slot < len(self.slots) else 0
        return int(struct.unpack_from(f"<{form}", self.numbers, start)[0]) if start else 0

    def put(self, slot: int, value: int, form: str = "i") -> None:
        """Change a number. Raises ValueError if the table has none there, unless the value is 0 anyway."""
        start = self.slots[slot] if slot < len(self.slots) else 0
        if start:
            struct.pack_into(f"<{form}", self.numbers, start, value)
        elif value:
            raise ValueError(f"a table has no field {slot} to change")


def written(root: Row, identifier: bytes) -> bytes:
    """Return the flatbuffer of a row, with the four bytes that name its kind."""
    out = bytearray(_OFFSET.size) + identifier
    _OFFSET.pack_into(out, 0, _write(out, root))
    return bytes(out)


def _write(out: bytearray, row: Row) -> int:
    """Append a table, followed by everything below it, and return where the table begins."""
    vtable = struct.pack(f"<HH{len(row.slots)}H", 4 + 2 * len(row.slots), len(row.numbers), *row.slots)
    out += bytes((row.place - len(out) - len(vtable)) % _ALIGNMENT)
    out += vtable
    start = len(out)
    out += row.numbers
    _SIGNED.pack_into(out, start, len(vtable))
    for slot, content in row.points_to.items():
        _point(out, start + row.slots[slot], _WRITE[row.fields[slot].kind](out, content))
    return start


def _point(out: bytearray, place: int, target: int) -> None:
    _OFFSET.pack_into(out, place, target - place)


def _blob(out: bytearray, content: bytes, count: int, end: bytes = b"") -> int:
    out += bytes(-len(out) % 4)
    start = len(out)
    out += _OFFSET.pack(count) + content + end
    return start


def _text(out: bytearray, text: str) -> int:
    content = text.encode()
    return _blob(out, content, len(content), b"\0")


def _list(out: bytearray, items: list[Any], write: Any) -> int:
    start = _blob(out, bytes(4 * len(items)), len(items))
    for number, item in enumerate(items):
        _point(out, start + 4 + 4 * number, write(out, item))
    return start


_READ: Mapping[Kind, Any] = {
    Kind.TEXT: lambda source, slot, _: source.text(slot),
    Kind.TEXTS: lambda source, slot, _: source.texts(slot),
    Kind.BYTES: lambda source, slot, _: source.blob(slot),
    Kind.NUMBERS: lambda source, slot, _: source.numbers(slot),
    Kind.TABLE: lambda source, slot, fields: Row.read(source.table(slot), fields),
    Kind.TABLES: lambda source, slot, fields: [Row.read(each, fields) for each in source.tables(slot)],
}
_WRITE: Mapping[Kind, Any] = {
    Kind.TEXT: _text,
    Kind.TEXTS: lambda out, texts: _list(out, texts, _text),
    Kind.BYTES: lambda out, content: _blob(out, content, len(content)),
    Kind.NUMBERS: lambda out, numbers: _blob(out, struct.pack(f"<{len(numbers)}i", *numbers), len(numbers)),
    Kind.TABLE: _write,
    Kind.TABLES: lambda out, rows: _list(out, rows, _write),
}
