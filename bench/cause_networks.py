"""Sample networks with one change, of the sort an engineer makes by hand or an exporter makes unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from hostsdk.samples import quantise, topologies, weights
from hostsdk.samples.topologies import Weight

_SLOPE = 0.1


class Form(StrEnum):
    """The form in which a network is written."""

    PLAIN = "plain"
    """As published, 8 bit."""
    WIDENED = "widened"
    """One convolution, and the input of whatever reads it, has twice the channels."""
    LEAKY = "leaky"
    """One Relu is replaced by a LeakyRelu."""
    UNFUSED = "unfused"
    """The same LeakyRelu, written out as Relu, Mul, Relu, Mul and Add."""
    FLOAT = "float"
    """As published, not quantised."""


def build(network: str, form: Form, directory: Path) -> Path:
    """Write `<network>_<form>.onnx`, with seeded weights like the samples."""
    model, wanted = topologies.load(network)
    wanted = _CHANGES[form](model, wanted)
    values = weights.draw(network, wanted)
    weights.scale_on_data(network, model, values)
    topologies.add_weights(model, values)
    target = directory / f"{network}_{form}.onnx"
    if form is Form.FLOAT:
        onnx.save(model, target)
    else:
        quantise.quantise(network, model, target)
    return target


def _as_it_is(_: onnx.ModelProto, wanted: list[Weight]) -> list[Weight]:
    return wanted


def _widened(model: onnx.ModelProto, wanted: list[Weight]) -> list[Weight]:
    """Double the channels of the first convolution that only convolutions read, and the input channels of those."""
    graph = model.graph
    conv, between, readers = next(_widenable(graph))
    doubled = dict.fromkeys([*conv.input[1:], *(name for node in between for name in node.input[1:])], 0)
    doubled |= {node.input[1]: 1 for node in readers}
    return [
        Weight(weight.name, _doubled(weight.shape, doubled[weight.name]), weight.role)
        if weight.name in doubled
        else weight
        for weight in wanted
    ]


def _doubled(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return tuple(2 * size if place == axis else size for place, size in enumerate(shape))


def _widenable(
    graph: onnx.GraphProto,
) -> Iterator[tuple[onnx.NodeProto, list[onnx.NodeProto], list[onnx.NodeProto]]]:
    """Yield a convolution, the nodes after it that work channel by channel, and the convolutions that read those."""
    for conv in graph.node:
        if conv.op_type != "Conv" or _groups(conv) != 1:
            continue
        between: list[onnx.NodeProto] = []
        readers = _readers(graph, conv)
        while len(readers) == 1 and readers[0].op_type in ("Relu", "BatchNormalization", "MaxPool"):
            between.append(readers[0])
            readers = _readers(graph, readers[0])
        if readers and all(node.op_type == "Conv" and _groups(node) == 1 for node in readers):
            yield conv, between, readers


def _leaky(model: onnx.ModelProto, wanted: list[Weight]) -> list[Weight]:
    relu = _a_relu(model.graph)
    node = helper.make_node(
        "LeakyRelu", list(relu.input), list(relu.output), name=relu.output[0], alpha=_SLOPE
    )
    _replace(model.graph, relu, [node])
    return wanted


def _unfused(model: onnx.ModelProto, wanted: list[Weight]) -> list[Weight]:
    """Write the LeakyRelu as max(x, 0) - slope * max(-x, 0)."""
    graph = model.graph
    relu = _a_relu(graph)
    source, target = relu.input[0], relu.output[0]
    for name, value in (("minus_one", -1.0), ("minus_slope", -_SLOPE)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.float32), name))
    steps: Sequence[tuple[str, list[str], str]] = (
        ("Relu", [source], "leaky_positive"),
        ("Mul", [source, "minus_one"], "leaky_negated"),
        ("Relu", ["leaky_negated"], "leaky_negative"),
        ("Mul", ["leaky_negative", "minus_slope"], "leaky_scaled"),
        ("Add", ["leaky_positive", "leaky_scaled"], target),
    )
    _replace(graph, relu, [helper.make_node(kind, inputs, [made], name=made) for kind, inputs, made in steps])
    return wanted


_CHANGES: dict[Form, Callable[[onnx.ModelProto, list[Weight]], list[Weight]]] = {
    Form.PLAIN: _as_it_is,
    Form.WIDENED: _widened,
    Form.LEAKY: _leaky,
    Form.UNFUSED: _unfused,
    Form.FLOAT: _as_it_is,
}


def _a_relu(graph: onnx.GraphProto) -> onnx.NodeProto:
    """Return the first Relu, which works on the largest tensor."""
    relu: onnx.NodeProto = next(node for node in graph.node if node.op_type == "Relu")
    return relu


def _readers(graph: onnx.GraphProto, node: onnx.NodeProto) -> list[onnx.NodeProto]:
    return [other for other in graph.node if node.output[0] in other.input]


def _groups(node: onnx.NodeProto) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "group"), 1)


def _replace(graph: onnx.GraphProto, old: onnx.NodeProto, new: Sequence[onnx.NodeProto]) -> None:
    place = list(graph.node).index(old)
    nodes = [*graph.node[:place], *new, *graph.node[place + 1 :]]
    del graph.node[:]
    graph.node.extend(nodes)
