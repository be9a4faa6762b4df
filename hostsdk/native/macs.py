"""Count the multiply-accumulates of an ONNX network's nodes.

Convolutions, matrix products and recurrent layers are counted; other operations have none worth counting.
"""

from __future__ import annotations

from math import prod
from typing import Any


def macs_by_node(model: Any) -> dict[str, int]:
    """Count every node's MACs, by node name; 0 if a shape is unknown or the operation is not a counted one."""
    shapes = _shapes(model)
    return {node.name: _macs(node, shapes) for node in model.graph.node}


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    import onnx

    try:
        inferred = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # a network that is too large for inference, or has unknown operations
        inferred = model.graph
    shapes = {constant.name: tuple(constant.dims) for constant in inferred.initializer}
    for value in (*inferred.input, *inferred.output, *inferred.value_info):
        shapes[value.name] = tuple(each.dim_value for each in value.type.tensor_type.shape.dim)
    for node in inferred.node:  # quantising does not change shapes
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.input[0] in shapes:
            shapes.setdefault(node.output[0], shapes[node.input[0]])
    return shapes


def _macs(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    output = shapes.get(node.output[0], ())
    taken = [shapes.get(name, ()) for name in node.input]
    if not output or len(taken) < 2 or not taken[0] or not taken[1]:
        return 0
    match node.op_type:
        case "Conv":  # weights: output channels, input channels per group, kernel
            return prod(output) * prod(taken[1][1:])
        case "ConvTranspose":  # weights: input channels, output channels per group, kernel
            return prod(taken[0]) * prod(taken[1][1:])
        case "LSTM" | "GRU" | "RNN" if (
            len(taken) > 2
        ):  # input: steps, batch, values; then the input and the recurrent weights
            return prod(taken[0][:-1]) * (prod(taken[1]) + prod(taken[2]))
        case "MatMul":
            return prod(output) * taken[0][-1]
        case "Gemm":
            transposed = any(each.name == "transA" and each.i for each in node.attribute)
            return prod(output) * taken[0][0 if transposed else -1]
    return 0
