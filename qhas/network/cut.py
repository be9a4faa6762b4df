"""Cutting a part of a network into its own DLC: some of its ops, with random weights and no name of the original.

Everything the compiler's decisions depend on is kept: types of ops, their attributes, shapes, data types, and scales
of quantised tensors.
"""

from __future__ import annotations

import json
import random
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qhas.network.dlc import MODEL, PARAMETERS, WEIGHTS, content_of
from qhas.network.records import UNREADABLE, open_record, why_unreadable
from qhas.network.rewriting import BYTES, NUMBERS, TEXT, TEXTS, Row, table, tables, written
from qhas.network.tables import Buffer
from qhas.network.vocabulary import DATA_TYPES
from qhas.outside_bytes import opened_zip

GRAPH = "net"
"""The name of the only graph."""
_SCALE = {2: table({}), 3: table({1: tables({})})}
_TENSOR = {1: TEXT, 3: NUMBERS, 5: table(_SCALE), 13: BYTES, 14: BYTES}
_ATTRIBUTE = {0: TEXT, 3: table({3: TEXT}), 4: table(_TENSOR)}
_OP = {0: TEXT, 1: TEXT, 2: TEXTS, 3: TEXTS, 4: tables(_ATTRIBUTE)}
_MODEL = {0: tables({0: TEXT, 1: tables(_OP), 2: tables(_TENSOR), 4: TEXT})}
_CONSTANT = {0: TEXT, 1: BYTES, 3: table({})}
_PARAMETERS = {0: tables({0: TEXT, 1: tables(_CONSTANT), 2: tables({0: tables(_CONSTANT)})})}
_INPUT, _OUTPUT, _WEIGHT = 0, 1, 4
_PLACE = (4, 12)
"""Where the offset and size are in the table that locates a constant."""
_ALIGNED = 8
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_METADATA = "dlc.metadata2.3.0"
_SMALL_FLOATS = bytes(0x3D if each < 128 else 0xBD for each in range(256))
_SMALL_HALVES = bytes(0x2C if each < 128 else 0xAC for each in range(256))
"""For any random byte, the byte of sign and exponent that gives a number of some hundredths, of either sign."""
Constants = Mapping[tuple[int, str], bytes]
"""Constants by op number, -1 for tensors of the graph, and by name."""


def cut(dlc: Path, target: Path, ops: Iterable[int], graph: int = 0, seed: int = 0) -> None:
    """Write a DLC of these ops of a graph, by their numbers in it. The same ops and seed give the same bytes.

    What a removed op made becomes an input, and what none of the ops uses an output. Raises ValueError if the file is
    not a DLC of SNPE 2.
    """
    numbers = sorted(set(ops))
    try:
        with opened_zip(dlc) as archive:
            model = Row.read(Buffer(content_of(archive, MODEL, b"NETD")).root(), _MODEL)
            parameters = Row.read(Buffer(content_of(archive, PARAMETERS, b"NETP")).root(), _PARAMETERS)
            room = archive.getinfo(WEIGHTS).file_size if WEIGHTS in archive.namelist() else 0
            part = _Part(model.points_to[0][graph], parameters.points_to[0][graph], numbers, room)
            weights = part.reduce(_kept(archive, part), random.Random(seed))  # noqa: S311
    except (*UNREADABLE, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"the network of {dlc.name} cannot be cut: {why_unreadable(error)}") from error
    model.points_to[0] = [part.graph]
    parameters.points_to[0] = [part.constants]
    head = struct.pack("<HHI", 0x0AD5, 4, 1)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as out:
        for name, content in (
            (_METADATA, _metadata()),
            (MODEL, head + written(model, b"NETD")),
            (PARAMETERS, head + written(parameters, b"NETP")),
            (WEIGHTS, weights),
        ):
            out.writestr(zipfile.ZipInfo(name, _FIXED_TIME), content)


def _metadata() -> bytes:
    zero = {"major": 0, "minor": 1, "patch": 0}
    version = {"major": 2, "minor": 3, "patch": 0}
    header = {
        "artifact_type": "DLC_METADATA",
        "header_version": zero,
        "version": version,
        "timestamp": "1980-01-01 00:00:00 UTC",
    }
    return json.dumps({"header": header}, indent=4).encode()


@dataclass
class _Part:
    """A graph with its constants, reduced to some of its ops in place."""

    graph: Row
    constants: Row
    numbers: Sequence[int]
    room: int
    """Bytes of all constants of the original: the stated size of any constant must fit into them."""
    weights: bytearray = field(default_factory=bytearray)

    def reduce(self, kept: Constants, draw: random.Random) -> bytes:
        """Keep only the ops, rename everything, and randomise what was learnt; return the record of constants."""
        graph = self.graph.points_to
        graph[1] = [graph[1][number] for number in self.numbers]
        computed = {name for op in graph[1] for name in op.points_to[3]}
        taken = {name for op in graph[1] for name in op.points_to[2]}
        graph[2] = [row for row in graph[2] if row.points_to[1] in computed | taken]
        names = {row.points_to[1]: f"t{number}" for number, row in enumerate(graph[2])}
        kinds: dict[str, Row] = {}
        for row in graph[2]:
            _place_in(row, computed, taken)
            kinds[row.points_to[1]] = row
            row.points_to[1] = names[row.points_to[1]]
        inner = [_renamed(op, f"op{number}", names) for number, op in enumerate(graph[1])]
        for slot in (0, 4):
            if slot in graph:
                graph[slot] = GRAPH
        self._reduce_constants(kept, draw, names, kinds, inner)
        return bytes(self.weights)

    def _reduce_constants(
        self,
        kept: Constants,
        draw: random.Random,
        names: Mapping[str, str],
        kinds: Mapping[str, Row],
        inner: Sequence[Mapping[str, str]],
    ) -> None:
        held = self.constants.points_to
        held[0] = GRAPH
        rows = [row for row in held.get(1, []) if row.points_to[0] in names]
        for row in rows:
            name = row.points_to[0]
            size = _size(row)
            if 3 in row.points_to and size > self.room - len(self.weights) + _ALIGNED:
                raise ValueError("a constant is larger than its record")
            self._put(row, names[name], _drawn(kinds[name].whole(6), size, draw))
        held[1] = sorted(rows, key=lambda row: str(row.points_to[0]))
        held[2] = [held[2][number] for number in self.numbers]
        for number, op, renamed in zip(self.numbers, held[2], inner, strict=True):
            for row in op.points_to.get(0, []):
                name = row.points_to[0]
                self._put(row, renamed[name], kept[number, name])
            if 0 in op.points_to:
                op.points_to[0].sort(key=lambda row: str(row.points_to[0]))

    def _put(self, row: Row, name: str, content: bytes) -> None:
        row.points_to[0] = name
        if 3 not in row.points_to:
            row.points_to[1] = content
            return
        self.weights += bytes(-len(self.weights) % _ALIGNED)
        numbers = bytearray(20)
        struct.pack_into("<QQ", numbers, _PLACE[0], len(self.weights), len(content))
        row.points_to[3] = Row(_PLACE, numbers, 4, {}, {})
        self.weights += content


def _place_in(tensor: Row, computed: set[str], taken: set[str]) -> None:
    name, where = tensor.points_to[1], tensor.whole(2)
    if where == _WEIGHT:
        return
    if name not in computed:
        tensor.put(2, _INPUT)
    elif name not in taken:
        tensor.put(2, _OUTPUT)


def _renamed(op: Row, name: str, names: Mapping[str, str]) -> dict[str, str]:
    """Rename an op and its tensors, and return the new names of the tensors that its attributes hold."""
    held = op.points_to
    held[0] = name
    for slot in (2, 3):
        held[slot] = [names.get(each, "") for each in held[slot]]
    inner: dict[str, str] = {}
    for attribute in held.get(4, []):
        if tensor := attribute.points_to.get(4):
            new = f"{name}_{attribute.points_to[0]}"
            inner[tensor.points_to[1]] = new
            tensor.points_to[1] = new
    return inner


def _drawn(kind: int, size: int, draw: random.Random) -> bytes:
    """Draw random content for a constant. Unquantised integers may be indices into a tensor: they become 0."""
    name = DATA_TYPES.get(kind, "")
    if "Fixed" in name:
        return draw.randbytes(size)
    if name in ("Float32", "Float16"):
        width, table = (4, _SMALL_FLOATS) if name == "Float32" else (2, _SMALL_HALVES)
        content = bytearray(draw.randbytes(size))
        content[width - 1 :: width] = content[width - 1 :: width].translate(table)
        return bytes(content)
    return bytes(size)


def _size(row: Row) -> int:
    place = row.points_to.get(3)
    return place.whole(1, "Q") if place else len(row.points_to.get(1, b""))


def _kept(archive: zipfile.ZipFile, part: _Part) -> Constants:
    """Read the attributes of the ops, which are not weights: strides, paddings, permutations."""
    kept: dict[tuple[int, str], bytes] = {}
    places: list[tuple[int, int, tuple[int, str]]] = []
    for number in part.numbers:
        for row in part.constants.points_to[2][number].points_to.get(0, []):
            key = (number, str(row.points_to[0]))
            if place := row.points_to.get(3):
                places.append((place.whole(0, "Q"), place.whole(1, "Q"), key))
            else:
                kept[key] = row.points_to.get(1, b"")
    if places:
        with open_record(archive, WEIGHTS) as weights:
            for start, size, key in sorted(places):
                if start + size > part.room:
                    raise ValueError("a constant runs past the end of its record")
                weights.seek(start)
                kept[key] = weights.read(size)
    return kept
