"""ONNX files of a few bytes, written without ONNX, so that the readers are tested field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

FLOAT, INT_64 = 1, 7


def field(number: int, content: bytes | int) -> bytes:
    """Encode a field of a protobuf message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def tensor(name: str, dimensions: Sequence[int | str], kind: int = FLOAT) -> bytes:
    """Encode a ValueInfoProto."""
    shape = b"".join(
        field(1, field(1, size) if isinstance(size, int) else field(2, size.encode())) for size in dimensions
    )
    return field(1, name.encode()) + field(2, field(1, field(1, kind) + field(2, shape)))


def node(
    name: str, kind: str, taken: Sequence[str], made: Sequence[str], metadata: Mapping[str, str] | None = None
) -> bytes:
    """Encode a NodeProto."""
    texts = [(1, each) for each in taken] + [(2, each) for each in made] + [(3, name), (4, kind)]
    entries = [field(1, key.encode()) + field(2, value.encode()) for key, value in (metadata or {}).items()]
    return b"".join(field(number, text.encode()) for number, text in texts) + b"".join(
        field(9, entry) for entry in entries
    )


def write_onnx(
    path: Path,
    *,
    inputs: Mapping[str, Sequence[int | str]] | None = None,
    nodes: Sequence[bytes] = (),
    constants: Sequence[str] = (),
    salt: str = "",
) -> Path:
    """Write a network of two nodes from `image` to `y`, unless others are given; `salt` makes its bytes differ."""
    shapes = inputs or {"image": (1, 3, 8, 8)}
    first = next(iter(shapes))
    graph = b"".join(
        [
            *(
                field(1, each)
                for each in nodes
                or [node("conv", "Conv", [first], ["h"]), node("relu", "Relu", ["h"], ["y"])]
            ),
            *(field(5, field(8, name.encode())) for name in constants),
            *(field(11, tensor(name, shape)) for name, shape in shapes.items()),
            field(12, tensor("y", (1, 10))),
        ]
    )
    path.write_bytes(field(1, 8) + field(2, f"tests{salt}".encode()) + field(7, graph))
    return path
