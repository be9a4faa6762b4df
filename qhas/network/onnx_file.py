"""What an ONNX file says about its network, read without ONNX: inputs with dimensions, and nodes with their origin.

The wire format is protobuf's; field numbers are those of onnx.proto. Weights are skipped, so that a file of gigabytes
is read in the time that its nodes take.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_TEXT = 64 << 10
"""Bytes that are read of a name or of a metadata entry."""
MOST_NODES = 1_000_000
TYPES = {
    **{1: "FLOAT_32", 2: "UINT_8", 3: "INT_8", 4: "UINT_16", 5: "INT_16", 6: "INT_32", 7: "INT_64"},
    **{9: "BOOL_8", 10: "FLOAT_16", 11: "FLOAT_64", 12: "UINT_32", 13: "UINT_64"},
}
"""Data types of tensors (TensorProto.DataType) as QNN names them."""
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_MOST_VARINT_BYTES = 10
_LARGEST_DIMENSION = (1 << 31) - 1
Fields = Iterator[tuple[int, int | memoryview]]


@dataclass(frozen=True)
class OnnxTensor:
    """An input or an output: its data type as QNN names it, and its dimensions.

    A string is the symbol of a dimension without a number, "" one without a name.
    """

    name: str
    type: str
    dimensions: tuple[int | str, ...]
    shaped: bool = True
    """Whether it states how many dimensions it has; a scalar states that it has none."""
    is_tensor: bool = True
    """Whether it is a tensor and not a sequence, map or optional value."""

    @property
    def is_open(self) -> bool:
        """Whether a dimension has no number, or the shape is not stated at all."""
        return not self.shaped or any(isinstance(size, str) for size in self.dimensions)


@dataclass(frozen=True)
class OnnxNode:
    """A node of the main graph, with what its exporter wrote about its origin."""

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OnnxGraph:
    """The main graph of a network."""

    inputs: tuple[OnnxTensor, ...]
    outputs: tuple[OnnxTensor, ...]
    nodes: tuple[OnnxNode, ...]

    @property
    def computed_outputs(self) -> list[str]:
        """Names of the outputs that nodes compute from inputs; others are constants, or inputs themselves."""
        reached, computed = {tensor.name for tensor in self.inputs}, set[str]()
        for node in self.nodes:
            if not reached.isdisjoint(node.inputs):
                reached.update(node.outputs)
                computed.update(node.outputs)
        return [tensor.name for tensor in self.outputs if tensor.name in computed]


def read_onnx(path: Path) -> OnnxGraph:
    """Read the graph of a file.

    Raises ValueError if it is not an ONNX or computes nothing, OSError if it cannot be opened.
    """
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is empty")
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        graph = _part(content, 7)
        if graph is None:
            raise ValueError("it contains no graph")
        network = _graph(graph)
    except IndexError:
        raise ValueError(f"{path.name} cannot be read as an ONNX: it ends within a field") from None
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read as an ONNX: {error}") from None
    ends = {"operation": network.nodes, "output": network.outputs, "input": network.inputs}
    for what, parts in ends.items():
        if not parts:
            raise ValueError(f"{path.name} has no {what}, so there is nothing to compute; export it again")
    return network


def open_input(graph: OnnxGraph, shapes: Mapping[str, Sequence[int]]) -> str | None:
    """Return what is wrong with these shapes, keyed by input name, and what to write instead; None if nothing is.

    The text is a sentence without its full stop.
    """
    known = {tensor.name: tensor for tensor in graph.inputs}
    for name, shape in shapes.items():
        if name not in known:
            return f"a shape is given for {name!r}, but its inputs are {', '.join(known)}"
        if known[name].shaped and len(shape) != len(known[name].dimensions):
            return f"input {name} has {len(known[name].dimensions)} dimensions, but {_joined(shape)} has {len(shape)}"
    for tensor in graph.inputs:
        if not tensor.is_tensor:
            return (
                f"input {tensor.name} is a sequence, a map or an optional value, but the HTP accepts only tensors; "
                "export the network with a tensor for each"
            )
        if not tensor.shaped and tensor.name not in shapes:
            return f"input {tensor.name} has no shape; give one: --shape {tensor.name}=1,3,224,224, or under `shapes`, with the actual sizes"
        if tensor.is_open and tensor.name not in shapes:
            example = [
                1 if place == 0 and isinstance(size, str) else size
                for place, size in enumerate(tensor.dimensions)
            ]
            return (
                f"input {tensor.name} has a dimension without a fixed size ({_joined(tensor.dimensions)}), but the HTP compiles "
                f"for fixed shapes; give one: --shape {tensor.name}={','.join(str(size or '?') for size in example)}, "
                f"or under `shapes`, with a number for each"
            )
    return None


def _joined(sizes: Sequence[int | str]) -> str:
    return " x ".join(str(size or "?") for size in sizes)


def _graph(content: memoryview) -> OnnxGraph:
    nodes: list[OnnxNode] = []
    inputs: list[OnnxTensor] = []
    outputs: list[OnnxTensor] = []
    constants = set[str]()
    for number, value in _fields(content):
        if not isinstance(value, memoryview):
            continue
        match number:
            case 1:
                if len(nodes) == MOST_NODES:
                    raise ValueError(f"it has over {MOST_NODES} nodes")
                nodes.append(_node(value))
            case 5:
                constants.add(_text(_part(value, 8)))
            case 11:
                inputs.append(_tensor(value))
            case 12:
                outputs.append(_tensor(value))
    return OnnxGraph(
        tuple(tensor for tensor in inputs if tensor.name not in constants), tuple(outputs), tuple(nodes)
    )


def _node(content: memoryview) -> OnnxNode:
    texts: dict[int, list[str]] = {1: [], 2: [], 3: [], 4: []}
    metadata: dict[str, str] = {}
    for number, value in _fields(content):
        if number in texts and isinstance(value, memoryview):
            texts[number].append(_text(value))
        elif number == 9 and isinstance(value, memoryview):
            metadata[_text(_part(value, 1))] = _text(_part(value, 2))
    return OnnxNode("".join(texts[3]), "".join(texts[4]), tuple(texts[1]), tuple(texts[2]), metadata)


def _tensor(content: memoryview) -> OnnxTensor:
    kinds = _part(content, 2) or memoryview(b"")
    described = _part(kinds, 1) or memoryview(b"")
    kind, dimensions, shaped = 0, list[int | str](), False
    for number, value in _fields(described):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2 and isinstance(value, memoryview):
            shaped = True
            dimensions = [_dimension(each) for _, each in _fields(value) if isinstance(each, memoryview)]
    return OnnxTensor(
        _text(_part(content, 1)),
        TYPES.get(kind, "FLOAT_32"),
        tuple(dimensions),
        shaped,
        bool(described) or not kinds,
    )


def _dimension(content: memoryview) -> int | str:
    size: int | str = ""
    for number, value in _fields(content):
        if number == 1 and isinstance(value, int) and 0 < value <= _LARGEST_DIMENSION:
            size = value
        elif number == 2 and isinstance(value, memoryview):
            size = _text(value)
    return size


def _part(content: memoryview, number: int) -> memoryview | None:
    """Return the last of a message's fields with this number, as protobuf does."""
    parts = [value for field_number, value in _fields(content) if field_number == number]
    return parts[-1] if parts and isinstance(parts[-1], memoryview) else None


def _text(content: memoryview | None) -> str:
    return bytes(content[:LARGEST_TEXT]).decode("utf-8", "replace") if content is not None else ""


def _fields(content: memoryview) -> Fields:
    """Yield the numbers and values of a message's fields. Raises ValueError or IndexError for damaged bytes."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, place = _varint(content, place)
        elif kind in (_FIXED_32, _FIXED_64):
            size = 4 if kind == _FIXED_32 else 8
        else:
            raise ValueError("its bytes are not a protobuf message")
        if size > len(content) - place:
            raise ValueError("it ends within a field")
        yield key >> 3, content[place : place + size]
        place += size


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(_MOST_VARINT_BYTES):
        byte = content[place + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    raise ValueError("its bytes are not a protobuf message")
