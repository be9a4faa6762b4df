"""A node's work, from its shapes alone: multiply-accumulates, and bytes that element-wise nodes read and write."""

from __future__ import annotations

from math import prod

from qhas.network.network import Graph, NetworkOp, Tensor

_TOUCH_ALL = frozenset(
    {
        "Batchnorm", "Cast", "Concat", "Convert", "Dequantize", "ElementWiseBinary", "ElementWiseNeuron",
        "ElementWiseUnary", "Gelu", "InstanceNorm", "LayerNorm", "LogSoftmax", "Prelu", "Quantize", "ReduceMean",
        "ReduceSum", "Relu", "RmsNorm", "Sigmoid", "Softmax", "Tanh", "Transpose",
    }
)  # fmt: skip
"""Types that read every value of their inputs and write every value of their outputs."""
_BYTES = {"8": 1, "16": 2, "32": 2}
"""Bytes by the bits of a data type; floats of 32 bits have 16 on the HTP."""


def macs(graph: Graph, op: NetworkOp) -> int:
    """Return the multiply-accumulates of a convolution or matrix product; 0 for others, or if a shape is not known."""
    tensors = [graph.by_name.get(name) for name in (*op.inputs[:2], *op.outputs[:1])]
    if len(tensors) < 3 or not all(tensors):
        return 0
    taken, weights, output = (tensor.shape for tensor in tensors if tensor)
    if not taken or not weights or not output:
        return 0
    match op.type:
        case "Conv2d" | "Conv3d":  # weights: kernel, channels in of a group, channels out
            return prod(output) * prod(weights[:-1])
        case "DepthWiseConv2d":  # weights: kernel, 1, channels
            return prod(output) * prod(weights[:-2])
        case "TransposeConv2d":  # weights: kernel, channels in, channels out of a group
            return prod(taken) * prod(weights[:-2]) * weights[-1]
        case "FullyConnected" | "MatMul":
            return prod(output) * taken[-2 if op.attributes.get("transpose_in0") else -1]
    return 0


def touched_bytes(graph: Graph, op: NetworkOp) -> int:
    """Return the bytes that an element-wise or similar node reads and writes, at the HTP's width of a value.

    0 for other types, whose ops may skip values or read them several times, and if a shape is not known.
    """
    if op.type not in _TOUCH_ALL:
        return 0
    tensors = [graph.by_name.get(name) for name in (*op.inputs, *op.outputs)]
    return sum(map(_size, filter(None, tensors))) if all(tensors) else 0


def _size(tensor: Tensor) -> int:
    width = next((size for bits, size in _BYTES.items() if tensor.dtype.endswith(bits)), 0)
    return prod(tensor.shape) * width
