"""Tables of a flatbuffer, with every offset checked against the bytes it is in: damaged ones raise ValueError."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import TypeVar

_OFFSET = struct.Struct("<I")
_SIGNED = struct.Struct("<i")
_VTABLE = struct.Struct("<HH")
_SIZE = struct.Struct("<H")
_TIMES_READ = 8
"""Texts may be shared: what is read of a record may have this many times its bytes, plus a megabyte."""

Value = TypeVar("Value")


class Buffer:
    """The bytes, and how many tables and bytes of lists may still be read from them, however their offsets loop."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._tables = len(content) // 4
        self._listed = _TIMES_READ * len(content) + (1 << 20)

    def root(self) -> Table:
        """Return the first table. Raises ValueError."""
        return Table(self, self.follow(0))

    def follow(self, place: int) -> int:
        """Return where the offset at a place points to."""
        return place + self.unpack(_OFFSET, place)

    def unpack(self, form: struct.Struct, place: int) -> int:
        """Return the number at a place. Raises ValueError outside the bytes."""
        if not 0 <= place <= len(self.content) - form.size:
            raise ValueError("an offset points outside of its record")
        return int(form.unpack_from(self.content, place)[0])

    def spend(self) -> None:
        """Count a table. Raises ValueError if there cannot be that many."""
        self._tables -= 1
        if self._tables < 0:
            raise ValueError("its tables repeat endlessly")

    def spend_bytes(self, count: int) -> None:
        """Count the bytes of a list or text. Raises ValueError if there cannot be that many."""
        self._listed -= count
        if self._listed < 0:
            raise ValueError("its texts and lists repeat endlessly")


class Table:
    """A table with its fields by slot; an absent field reads as the default of its kind."""

    __slots__ = ("_buffer", "_place", "_size", "_slots")

    def __init__(self, buffer: Buffer, place: int) -> None:
        buffer.spend()
        self._buffer, self._place = buffer, place
        vtable = place - buffer.unpack(_SIGNED, place)
        size = buffer.unpack(_SIZE, vtable)
        if size < _VTABLE.size or vtable + size > len(buffer.content):
            raise ValueError("a table points outside of its record")
        self._size = buffer.unpack(struct.Struct("<H"), vtable + 2)
        self._slots: tuple[int, ...] = struct.unpack_from(f"<{(size - 4) // 2}H", buffer.content, vtable + 4)

    def inline(self) -> tuple[tuple[int, ...], bytes, int]:
        """Return each slot's offset in the table's own bytes, or 0; those bytes; their place. Raises ValueError."""
        content, place = self._buffer.content, self._place
        size = self._buffer.unpack(_SIZE, place - self._buffer.unpack(_SIGNED, place) + 2)
        if place + size > len(content) or any(slot >= size for slot in self._slots):
            raise ValueError("a table runs past the end of its record")
        return self._slots, content[place : place + size], place

    def _field(self, slot: int) -> int | None:
        offset = self._slots[slot] if slot < len(self._slots) else 0
        return self._place + offset if offset else None

    def number(self, slot: int, form: str = "i") -> float:
        """Return a number of a `struct` form; 0 if there is none."""
        if (field := self._field(slot)) is None:
            return 0
        layout = struct.Struct(f"<{form}")
        if field > len(self._buffer.content) - layout.size:
            raise ValueError("a field lies outside of its record")
        value: float = layout.unpack_from(self._buffer.content, field)[0]
        return value

    def integer(self, slot: int, form: str = "i") -> int:
        """Return an integer; 0 if there is none."""
        return int(self.number(slot, form))

    def width(self, slot: int) -> int:
        """Return the most bytes that its number may have, up to the next field; 0 if there is none."""
        offset = self._slots[slot] if slot < len(self._slots) else 0
        return min([*(each for each in self._slots if each > offset), self._size]) - offset if offset else 0

    def table(self, slot: int) -> Table | None:
        """Return the table that the field points to; None if there is none."""
        field = self._field(slot)
        return None if field is None else Table(self._buffer, self._buffer.follow(field))

    def tables(self, slot: int) -> Iterator[Table]:
        """Yield the tables of a list."""
        return self._each(slot, lambda place: Table(self._buffer, self._buffer.follow(place)))

    def texts(self, slot: int) -> list[str]:
        """Return the texts of a list."""
        return list(self._each(slot, lambda place: self._bytes_at(self._buffer.follow(place)).decode()))

    def numbers(self, slot: int, form: str = "i") -> list[int]:
        """Return the integers of a list."""
        field = self._field(slot)
        if field is None:
            return []
        start, count = self._list(self._buffer.follow(field), struct.calcsize(form))
        return list(struct.unpack_from(f"<{count}{form}", self._buffer.content, start))

    def text(self, slot: int) -> str:
        """Return a text; empty if there is none."""
        return self.blob(slot).decode()

    def blob(self, slot: int) -> bytes:
        """Return bytes; none if there is no such field."""
        field = self._field(slot)
        return b"" if field is None else self._bytes_at(self._buffer.follow(field))

    def _each(self, slot: int, read: Callable[[int], Value]) -> Iterator[Value]:
        if (field := self._field(slot)) is not None:
            start, count = self._list(self._buffer.follow(field), 4)
            yield from (read(place) for place in range(start, start + 4 * count, 4))

    def _bytes_at(self, place: int) -> bytes:
        start, count = self._list(place, 1)
        return self._buffer.content[start : start + count]

    def _list(self, place: int, width: int) -> tuple[int, int]:
        count = self._buffer.unpack(_OFFSET, place)
        if place + 4 + width * count > len(self._buffer.content):
            raise ValueError("a list runs past the end of its record")
        self._buffer.spend_bytes(width * count)
        return place + 4, count
