"""Reading a flatbuffer is bounded by its size, however often its offsets point at the same place."""

from __future__ import annotations

import struct

import pytest

from qhas.network.tables import Buffer

SLOT = 0


def texts(count: int, text: bytes) -> Buffer:
    """A table with a list of `count` offsets that all point at one text."""
    vtable, table = struct.pack("<HHH", 6, 8, 4) + b"\0\0", 12
    vector = table + 8
    string = vector + 4 + 4 * count
    places = range(vector + 4, string, 4)
    return Buffer(
        struct.pack("<I", table)
        + vtable
        + struct.pack("<iI", table - 4, vector - table - 4)
        + struct.pack(f"<I{count}I", count, *(string - place for place in places))
        + struct.pack("<I", len(text))
        + text
    )


def test_texts_may_be_shared_as_a_writer_shares_them() -> None:
    assert texts(5000, b"qti.aisw").root().texts(SLOT) == ["qti.aisw"] * 5000


@pytest.mark.parametrize(("count", "length"), [(20_000, 100_000), (300_000, 2_000), (60, 4_000_000)])
def test_a_long_text_that_is_listed_again_and_again_is_refused(count: int, length: int) -> None:
    with pytest.raises(ValueError, match="repeat endlessly"):
        texts(count, b"x" * length).root().texts(SLOT)


def test_lists_of_numbers_count_as_well() -> None:
    root = texts(200_000, b"x").root()
    with pytest.raises(ValueError, match="repeat endlessly"):
        _ = [root.numbers(SLOT) for _ in range(20)]
