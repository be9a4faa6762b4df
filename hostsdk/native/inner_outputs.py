"""Make a network's inner tensors outputs too, so that each layer's values can be inspected.

In a network with quantising pairs these are the quantised tensors: a tensor between two operations that share a pair
does not exist on the HTP either. In other networks they are all float tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_RENAMED = "_QuantizeLinear_Input"
"""Added to an output's name by ONNX Runtime's quantiser, which gives the name itself to the dequantised tensor."""


def give_out(model: Any) -> dict[str, str]:
    """Add the outputs, and return the tensor that each of them shows, by output name."""
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    pairs = [
        node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    ]
    shown = dict(_dequantised(graph, pairs)) if pairs else {name: name for name in _floats(model)}
    from onnx import TensorProto, helper

    known = {output.name for output in graph.output}
    for name in shown:
        if name not in known:
            graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return shown


def _dequantised(graph: Any, pairs: list[Any]) -> Iterator[tuple[str, str]]:
    from onnx import helper

    taken = {name for node in graph.node for name in node.output}
    for number, pair in enumerate(pairs):
        name = f"inner_{number}"
        while name in taken:
            name += "_"
        stored = [pair.output[0], *pair.input[1:]]
        axes = [each for each in pair.attribute if each.name == "axis"]
        node = helper.make_node("DequantizeLinear", stored, [name], name=name)
        node.attribute.extend(axes)
        graph.node.append(node)
        yield name, pair.input[0].removesuffix(_RENAMED)


def _floats(model: Any) -> list[str]:
    import onnx

    graph = onnx.shape_inference.infer_shapes(model).graph
    described = {each.name: each.type.tensor_type for each in (*graph.value_info, *graph.output)}
    return [
        name
        for node in graph.node
        for name in node.output
        if name in described and described[name].elem_type == onnx.TensorProto.FLOAT
    ]
