"""Seeded random values for a network's inputs: from a normal distribution, or integers from a range.

Integers are 0 unless a range is requested: an index beyond a table of 30 rows, say, would read outside it, and no file
states how long the table is.
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
    """How values of a data type are stored in a file: the code for `struct`, and the limits if it is an integer."""

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
"""The values of Qnn_DataType_t by name, without its prefix."""


def need_native_files(inputs: list[GraphInput]) -> bool:
    """Whether float32 cannot stand for an input's own values: they are integers, or floats of a different size."""
    return any((kind := _type(tensor)) is not _FLOAT_32 and not kind.fixed_point for tensor in inputs)


def write_random(
    path: Path, tensor: GraphInput, generator: random.Random, *, native: bool, bounds: Range | None
) -> None:
    """Write a raw file, little-endian and without a header, of float32 or of the input's own type.

    Raises ValueError if the input cannot hold the range.
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
    """Return the names that have a range but are not inputs."""
    return sorted(set(ranges) - {tensor.name for tensor in inputs})
