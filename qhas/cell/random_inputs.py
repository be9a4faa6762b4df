"""Seeded random values for a network's inputs: of a normal distribution, or whole numbers of a range.

Whole numbers are 0 unless a range is asked for: an index beyond a table of 30 rows reads what is not there, and no file
says how long the table is.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qhas.cell.dlc import GraphInput

Range = tuple[int, int]
_CHUNK = 1 << 14


@dataclass(frozen=True)
class _Type:
    """How values of a data type lie in a file: the code of `struct`, and the least and greatest of a whole number."""

    code: str
    limits: Range | None = None
    fixed_point: bool = False


def _whole(code: str, *, fixed_point: bool = False) -> _Type:
    bits = 8 * struct.calcsize(code)
    limits = (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return _Type(code, limits, fixed_point)


_FLOAT_32 = _Type("f")
_WHOLE = {8: "b", 16: "h", 32: "i", 64: "q"}
_TYPES = {
    "FLOAT_16": _Type("e"),
    "FLOAT_32": _FLOAT_32,
    "FLOAT_64": _Type("d"),
    "BOOL_8": _Type("B", (0, 1)),
    **{f"INT_{bits}": _whole(code) for bits, code in _WHOLE.items()},
    **{f"UINT_{bits}": _whole(code.upper()) for bits, code in _WHOLE.items()},
    **{f"SFIXED_POINT_{bits}": _whole(code, fixed_point=True) for bits, code in _WHOLE.items()},
    **{f"UFIXED_POINT_{bits}": _whole(code.upper(), fixed_point=True) for bits, code in _WHOLE.items()},
}
"""Qnn_DataType_t without its prefix."""


def need_native_files(inputs: list[GraphInput]) -> bool:
    """Whether float32 values cannot stand for an input's own: it is of whole numbers, or of another float."""
    return any((kind := _type(tensor)) is not _FLOAT_32 and not kind.fixed_point for tensor in inputs)


def write_random(
    path: Path, tensor: GraphInput, generator: random.Random, *, native: bool, bounds: Range | None
) -> None:
    """A raw file, little-endian, without header: of float32, or of the input's own type.

    Raises ValueError for a range that the input cannot have.
    """
    kind = _type(tensor) if native else _FLOAT_32
    if bounds and (kind.limits is None or not kind.limits[0] <= bounds[0] <= bounds[1] <= kind.limits[1]):
        holds = "real numbers" if kind.limits is None else f"{kind.limits[0]} to {kind.limits[1]}"
        raise ValueError(
            f"the range {bounds[0]} to {bounds[1]} does not fit input {tensor.name}, which holds {holds}"
        )
    with path.open("wb") as file:
        for start in range(0, tensor.elements, _CHUNK):
            count = min(_CHUNK, tensor.elements - start)
            values = list(_values(kind, count, generator, bounds))
            file.write(struct.pack(f"<{count}{kind.code}", *values))


def _values(
    kind: _Type, count: int, generator: random.Random, bounds: Range | None
) -> Iterator[float] | Iterator[int]:
    if kind.limits is None:
        return (generator.gauss(0.0, 1.0) for _ in range(count))
    low, high = bounds or (kind.limits if kind.fixed_point else (0, 0))
    return (generator.randint(low, high) for _ in range(count))


def _type(tensor: GraphInput) -> _Type:
    return _TYPES.get(tensor.type, _FLOAT_32)


def unknown_names(ranges: Mapping[str, Range], inputs: list[GraphInput]) -> list[str]:
    """Names with a range that no input has."""
    return sorted(set(ranges) - {tensor.name for tensor in inputs})
