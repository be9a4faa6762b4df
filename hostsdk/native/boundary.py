"""Change a network's inputs and outputs from the exported form to channels last and integers.

The HTP computes with channels last. A network with channel-first inputs and outputs transposes them inside, and an
8-bit network with float inputs quantises them inside: both cost time on the HTP that the caller may save for free
(docs/truth.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostsdk.errors import ErrorCode, ToolError

_CHANNEL_FIRST = {3: "NCF", 4: "NCHW", 5: "NCDHW"}
_CHANNEL_LAST = {3: "NFC", 4: "NHWC", 5: "NDHWC"}
"""The vendor's names of the layouts, by the number of dimensions."""
LAYOUTS = tuple(word for words in (_CHANNEL_FIRST, _CHANNEL_LAST) for word in words.values())


@dataclass(frozen=True)
class Boundary:
    """The layouts of inputs and outputs by name, of which channel-first ones change, and whether to use integers."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    quantised: bool = False

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.quantised)


def rewrite(model: Any, boundary: Boundary) -> None:
    """Change the model in place.

    Raises `ToolError` for an unknown name, a layout that does not fit, or `quantised` without quantising pairs at the
    ends.
    """
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in constants}
    outputs = {value.name: value for value in graph.output}
    for name, layout in boundary.inputs.items():
        if _channels_first(inputs, name, layout, "--input_layout"):
            _input_last(graph, inputs[name])
    for name, layout in boundary.outputs.items():
        if _channels_first(outputs, name, layout, "--output_layout"):
            _output_last(graph, outputs[name])
    if boundary.quantised and not [*_quantised(graph, inputs), *_dequantised(graph, outputs)]:
        raise _refused(
            "--quantize_io is for networks with quantising pairs, but this one has none at its inputs or outputs"
        )


def _channels_first(values: dict[str, Any], name: str, layout: str, option: str) -> bool:
    if name not in values:
        raise _refused(f"{option} names {name!r}, but there are {', '.join(values)}")
    rank = len(values[name].type.tensor_type.shape.dim)
    words = [each[rank] for each in (_CHANNEL_FIRST, _CHANNEL_LAST) if rank in each]
    if layout not in words:
        fitting = f"its layout is {' or '.join(words)}" if words else "it has no channels"
        raise _refused(f"{option} {name} {layout}: the tensor has {rank} dimensions, {fitting}")
    return layout == words[0]


def _input_last(graph: Any, value: Any) -> None:
    """Move an input's channels last.

    The transposition follows the input's quantising pair, if there is one, so that the compiler can absorb it.
    """
    name, inner = value.name, _free(graph, value.name)
    pair = _pair_after(graph, name)
    last = pair[1].output[0] if pair else name
    _rename_inputs(graph, last, inner)
    rank = _move_channels(value)
    _insert(graph, last, inner, [0, rank - 1, *range(1, rank - 1)], pair, after=pair[1] if pair else None)


def _output_last(graph: Any, value: Any) -> None:
    name, inner = value.name, _free(graph, value.name)
    for node in graph.node:
        node.output[:] = [inner if each == name else each for each in node.output]
        node.input[:] = [inner if each == name else each for each in node.input]
    maker = next((node for node in graph.node if inner in node.output), None)
    pair = (None, maker) if maker is not None and maker.op_type == "DequantizeLinear" else None
    rank = _move_channels(value)
    _insert(graph, inner, name, [0, *range(2, rank), 1], pair, after=maker)


def _move_channels(value: Any) -> int:
    """Write the shape with channels last, and return how many dimensions it has."""
    dims = value.type.tensor_type.shape.dim
    sizes = [dim.dim_value for dim in dims]
    for dimension, size in zip(dims, [sizes[0], *sizes[2:], sizes[1]], strict=True):
        dimension.dim_value = size
    return len(sizes)


def _pair_after(graph: Any, name: str) -> tuple[Any, Any] | None:
    """Return the quantising node that is a tensor's only user, and the dequantising node that is its only user."""
    users = [node for node in graph.node if name in node.input]
    if len(users) != 1 or users[0].op_type != "QuantizeLinear":
        return None
    behind = [node for node in graph.node if users[0].output[0] in node.input]
    return (users[0], behind[0]) if len(behind) == 1 and behind[0].op_type == "DequantizeLinear" else None


def _insert(graph: Any, source: str, target: str, order: list[int], pair: Any, after: Any) -> None:
    """Insert a transposition, followed by a quantising pair of the same scale if there is one before it."""
    from onnx import helper

    place = next((at + 1 for at, node in enumerate(graph.node) if node == after), 0)
    moved = [target if pair is None else f"{target}.moved"]
    nodes = [helper.make_node("Transpose", [source], moved, name=f"{target}.layout", perm=order)]
    if pair is not None:
        scale = list(pair[1].input[1:])
        nodes += [
            helper.make_node("QuantizeLinear", [*moved, *scale], [f"{target}.whole"], name=f"{target}.q"),
            helper.make_node("DequantizeLinear", [f"{target}.whole", *scale], [target], name=f"{target}.dq"),
        ]
    for number, node in enumerate(nodes):
        graph.node.insert(place + number, node)


def _quantised(graph: Any, inputs: dict[str, Any]) -> list[str]:
    """Remove the first quantisation of inputs, which makes them integers, and return their names."""
    done = []
    for name, value in inputs.items():
        if pair := _pair_after(graph, name):
            first = pair[0]
            _rename_inputs(graph, first.output[0], name)
            value.type.tensor_type.elem_type = _type_of(graph, first)
            graph.node.remove(first)
            done.append(name)
    return done


def _dequantised(graph: Any, outputs: dict[str, Any]) -> list[str]:
    done = []
    for name, value in outputs.items():
        makers = [node for node in graph.node if name in node.output]
        used = any(name in node.input for node in graph.node)
        if used or len(makers) != 1 or makers[0].op_type != "DequantizeLinear":
            continue
        last = makers[0]
        value.type.tensor_type.elem_type = _type_of(graph, last)
        graph.node.remove(last)
        for node in graph.node:
            node.output[:] = [name if each == last.input[0] else each for each in node.output]
            node.input[:] = [name if each == last.input[0] else each for each in node.input]
        done.append(name)
    return done


def _type_of(graph: Any, node: Any) -> int:
    """Return the integer type of a quantising pair: its zero point's, or without one uint8, as ONNX defines."""
    from onnx import TensorProto

    zero = node.input[2] if len(node.input) > 2 else ""
    return next((tensor.data_type for tensor in graph.initializer if tensor.name == zero), TensorProto.UINT8)


def _rename_inputs(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]


def _free(graph: Any, name: str) -> str:
    """Return a name that no tensor has."""
    taken = {each for node in graph.node for each in (*node.input, *node.output)}
    name_of_moved = f"{name}.channel_first"
    while name_of_moved in taken:
        name_of_moved += "_"
    return name_of_moved


def _refused(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_PARAMETER, f"{reason}.", "Converter")
