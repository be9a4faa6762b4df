"""Padding of channels to the number that the matrix engine works on at once."""

from __future__ import annotations

from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute

WIDTH = 32
_KEEP_CHANNELS = {
    "Relu",
    "Clip",
    "LeakyRelu",
    "Sigmoid",
    "HardSigmoid",
    "HardSwish",
    "Tanh",
    "Elu",
    "MaxPool",
}
"""Ops with one input that treat every channel alike."""
_LEAST = 8
"""Fewer channels would become more than four times as many."""


def pad_channels(graph: OnnxGraph) -> int:
    """Pad the channels between two convolutions with zero weights, if all ops between them treat channels alike."""
    changed = 0
    for first in graph.of("Conv"):
        weights = graph.constant(first.input[1])
        if (
            weights is None
            or attribute(first, "group", 1) != 1
            or not weights.shape[0] >= _LEAST
            or weights.shape[0] % WIDTH == 0
        ):
            continue
        chain, last = _chain(graph, first)
        if last is None or attribute(last, "group", 1) != 1:
            continue
        read = graph.constant(last.input[1])
        biases = [
            graph.constant(node.input[2])
            for node in (first, *chain)
            if node.op_type == "Conv" and len(node.input) > 2
        ]
        if read is None or any(bias is None for bias in biases):
            continue
        more = -weights.shape[0] % WIDTH
        for node in (first, *(each for each in chain if each.op_type == "Conv")):
            _pad(graph, node, 1, 0, more)
            if len(node.input) > 2:
                _pad(graph, node, 2, 0, more)
            if node is not first:
                group = next(each for each in node.attribute if each.name == "group")
                group.i += more
        _pad(graph, last, 1, 1, more)
        changed += 1
    return changed


def _chain(graph: OnnxGraph, first: Any) -> tuple[list[Any], Any | None]:
    """Return the nodes between, depthwise convolutions included, and the convolution at the end or None."""
    chain: list[Any] = []
    reader = graph.only_reader(first.output[0])
    while reader is not None and (reader.op_type in _KEEP_CHANNELS or _is_depthwise(graph, reader)):
        chain.append(reader)
        reader = graph.only_reader(reader.output[0])
    end = (
        reader
        if reader is not None
        and reader.op_type == "Conv"
        and reader.input[0] == (chain[-1] if chain else first).output[0]
        else None
    )
    return chain, end


def _is_depthwise(graph: OnnxGraph, node: Any) -> bool:
    weights = graph.constant(node.input[1]) if node.op_type == "Conv" else None
    return (
        weights is not None and attribute(node, "group", 1) == weights.shape[0] > 1 and weights.shape[1] == 1
    )


def _pad(graph: OnnxGraph, node: Any, place: int, axis: int, more: int) -> None:
    import numpy as np

    values = graph.constant(node.input[place])
    assert values is not None
    widths = [(0, more if each == axis else 0) for each in range(values.ndim)]
    node.input[place] = graph.add_constant(f"{node.output[0]}_padded", np.pad(values, widths))
