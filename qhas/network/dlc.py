"""The network of a DLC, from its records `model`, `model.params` and `model.params.bin`.

The first two are flatbuffers after a header of 8 bytes, the mark 0x0AD5 and version 4 (SNPE 2, QAIRT). The meaning of
the slots follows netron (its `dlc-schema.js`); the place and size of a constant in `model.params.bin`, and which
number is which operation, were seen in DLCs of QAIRT 2.51, one op at a time.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import IO, NamedTuple

from qhas.network.network import Attribute, Graph, Network, NetworkOp, Role, Tensor
from qhas.network.records import UNREADABLE, open_record, read_record, why_unreadable
from qhas.network.tables import Buffer, Table
from qhas.network.vocabulary import DATA_TYPES, NUMBERS, OPERATIONS, TYPES
from qhas.outside_bytes import opened_zip

MODEL, PARAMETERS, WEIGHTS = "model", "model.params", "model.params.bin"
"""Records of a DLC."""
_LARGEST = 64 << 20
"""Size limit in bytes of a record without weights: a language model of ten thousand ops has 12 MB."""
_LARGEST_WITH_WEIGHTS = 1 << 30
"""The same with weights, which older converters wrote into `model.params` itself."""
_LISTED = b"NR64"
_HEADER = struct.Struct("<HHI")
_MARK, _VERSION = 0x0AD5, 4
_CONSTANT = 4
_ROLES = {0: Role.INPUT, 1: Role.OUTPUT}
"""Roles by a tensor's number in the DLC, for those that the application gives or gets; others have none."""
_BYTES_SHOWN = 256
"""The most bytes of a constant attribute, such as a dilation or a permutation, that is shown; else its digest is."""
_CHUNK = 1 << 20
_STRING_KINDS = (0x608, 0x7FFFFFFF)
_WIDE = 8
"""Bytes of an attribute's number in DLCs of QAIRT 2.4x and later; netron reads older ones, of half the size."""

_DIGEST = 16
Key = tuple[str, int, str]
"""The key of a constant: the graph, the number of its op or -1, the tensor."""


class Constant(NamedTuple):
    """What is known about a constant; the content only if it is small."""

    digest: str
    content: bytes | None


Constants = Mapping[Key, Constant]


def read_network(dlc: Path) -> Network:
    """Read ops, tensors and digests of all weights. Raises ValueError if it is not a DLC of SNPE 2, or damaged."""
    try:
        with opened_zip(dlc) as archive:
            model = list(Buffer(content_of(archive, MODEL, b"NETD")).root().tables(0))
            constants = _constants(archive, model)
        return Network(graphs=tuple(_graph(table, constants) for table in model), exact=True)
    except (*UNREADABLE, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"the network of {dlc.name} cannot be read: {why_unreadable(error)}") from error


def count_ops(dlc: Path) -> int:
    """Count the ops of all graphs, without reading weights. Raises ValueError as `read_network` does."""
    try:
        with opened_zip(dlc) as archive:
            model = Buffer(content_of(archive, MODEL, b"NETD")).root().tables(0)
            return sum(1 for graph in model for _ in graph.tables(1))
    except (*UNREADABLE, struct.error) as error:
        raise ValueError(f"the network of {dlc.name} cannot be read: {why_unreadable(error)}") from error


def content_of(archive: zipfile.ZipFile, name: str, *kinds: bytes, largest: int = _LARGEST) -> bytes:
    """Return the flatbuffer of a record of one of these kinds, named by four bytes. Raises as `read_record` does."""
    content = read_record(archive, name, largest)
    mark, version, _ = _HEADER.unpack_from(content)
    start = _HEADER.size
    if (mark, version) != (_MARK, _VERSION) or content[start + 4 : start + 8] not in kinds:
        raise ValueError(f"its record {name!r} is in an unknown format")
    return content[start:]


def _constants(archive: zipfile.ZipFile, model: Sequence[Table]) -> Constants:
    """Read the constants of all graphs.

    In a record of kind NR64 their contents are a separate list, in an order that follows from the model.
    """
    content = content_of(archive, PARAMETERS, b"NETP", _LISTED, largest=_LARGEST_WITH_WEIGHTS)
    root, listed = Buffer(content).root(), dict[Key, bytes]()
    if content[4:8] == _LISTED:
        contents = (table.blob(0) for table in root.tables(0))
        listed = dict(zip(_in_order(model), contents, strict=False))
        root = Buffer(root.blob(1)).root()
    constants: dict[Key, Constant] = {}
    places: list[tuple[int, int, Key]] = []
    for graph in root.tables(0):
        rows = [(-1, table) for table in graph.tables(1)]
        rows += [(number, table) for number, op in enumerate(graph.tables(2)) for table in op.tables(0)]
        for number, table in rows:
            key = (graph.text(0), number, table.text(0))
            if place := table.table(3):
                places.append((place.integer(0, "Q"), place.integer(1, "Q"), key))
            else:
                content = table.blob(1)
                constants[key] = _constant(io.BytesIO(content), len(content))
    constants |= {key: _constant(io.BytesIO(content), len(content)) for key, content in listed.items()}
    return constants | dict(_apart(archive, sorted(places)))


def _in_order(model: Sequence[Table]) -> Iterator[Key]:
    """Yield constants as an NR64 record lists their contents: a graph's by name, then those of its ops' attributes."""
    for graph in model:
        name = graph.text(0)
        constants = (table.text(1) for table in graph.tables(2) if table.integer(2) == _CONSTANT)
        yield from ((name, -1, constant) for constant in sorted(constants))
        for number, op in enumerate(graph.tables(1)):
            tensors = (row.table(4) for row in op.tables(4))
            yield from ((name, number, tensor.text(1)) for tensor in tensors if tensor)


def _apart(
    archive: zipfile.ZipFile, places: Sequence[tuple[int, int, Key]]
) -> Iterator[tuple[Key, Constant]]:
    """Yield the constants that are in a separate record, in one pass: they may be larger than memory."""
    if not places:
        return
    end = 0
    with open_record(archive, WEIGHTS) as weights:
        for start, size, key in places:
            if start < end:
                raise ValueError("two of its constants overlap")
            end = start + size
            weights.seek(start)
            yield key, _constant(weights, size)


def _constant(source: IO[bytes], size: int) -> Constant:
    digest, remaining, part = hashlib.blake2b(digest_size=_DIGEST), size, b""
    while remaining:
        part = source.read(min(remaining, _CHUNK))
        if not part:
            raise ValueError("a constant runs past the end of its record")
        digest.update(part)
        remaining -= len(part)
    return Constant(digest.hexdigest(), part if size <= _BYTES_SHOWN else None)


def _graph(table: Table, constants: Constants) -> Graph:
    name = table.text(0)
    ops = tuple(_op(name, number, op, constants) for number, op in enumerate(table.tables(1)))
    return Graph(name=name, ops=ops, tensors=tuple(_tensor(name, row, constants) for row in table.tables(2)))


def _op(graph: str, number: int, table: Table, constants: Constants) -> NetworkOp:
    kind = table.text(1)
    attributes = {row.text(0): _attribute(graph, number, row, constants) for row in table.tables(4)}
    kind = TYPES.get(kind, kind)
    operation = attributes.get("operation")
    if isinstance(operation, int) and kind in OPERATIONS:
        attributes["operation"] = OPERATIONS[kind].get(operation, operation)
    return NetworkOp(
        name=table.text(0),
        type=kind,
        inputs=tuple(table.texts(2)),
        outputs=tuple(table.texts(3)),
        attributes=attributes,
    )


def _attribute(graph: str, number: int, row: Table, constants: Constants) -> Attribute:
    if tensor := row.table(4):
        return _values(tensor, constants[graph, number, tensor.text(1)])
    value = row.table(3)
    if value is None:
        return ""
    kind = value.integer(0)
    if kind in _STRING_KINDS:
        return value.text(3)
    name = DATA_TYPES.get(kind, "")
    if name == "Bool":
        return bool(value.integer(1))
    if name.startswith("Float"):
        return _rounded(value.number(2, "d" if value.width(2) >= _WIDE else "f"))
    return value.integer(1, "q" if value.width(1) >= _WIDE else "i")


def _values(tensor: Table, constant: Constant) -> Attribute:
    form = NUMBERS.get(DATA_TYPES.get(tensor.integer(6), ""))
    content = constant.content
    if form is None or content is None or len(content) % struct.calcsize(form):
        return constant.digest
    numbers = struct.unpack(f"<{len(content) // struct.calcsize(form)}{form}", content)
    if not all(map(isfinite, numbers)):
        return ",".join(map(str, map(_rounded, numbers)))
    return [float(_rounded(number)) for number in numbers] if form in "ef" else list(numbers)


def _tensor(graph: str, table: Table, constants: Constants) -> Tensor:
    name, shape, kind = table.text(1), table.numbers(3), table.integer(6)
    if any(size < 0 for size in shape):
        raise ValueError(f"a tensor has dimensions {shape[:8]}")
    constant = constants[graph, -1, name] if table.integer(2) == _CONSTANT else None
    return Tensor(
        name=name,
        shape=tuple(shape),
        dtype=DATA_TYPES.get(kind, hex(kind)),
        encoding=_encoding(table.table(5)),
        weights=None if constant is None else constant.digest,
        role=_ROLES.get(table.integer(2)),
    )


def _encoding(table: Table | None) -> str | None:
    if table is None:
        return None
    if channels := table.table(3):
        rows = [_scale(row) for row in channels.tables(1)]
        digest = hashlib.blake2b("; ".join(rows).encode(), digest_size=_DIGEST).hexdigest()
        return f"of {len(rows)} channels, {digest}"
    return _scale(whole) if (whole := table.table(2)) else None


def _scale(table: Table) -> str:
    return f"{table.integer(0)} bit, scale {table.number(3, 'f'):.8g}, offset {table.integer(4)}"


def _rounded(value: float) -> float | str:
    """Return a float32 in seven digits; as text if it is not a number in JSON, such as a bound of `inf`."""
    return float(f"{value:.7g}") if isfinite(value) else str(value)
