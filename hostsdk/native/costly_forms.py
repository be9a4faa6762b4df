"""Report, on conversion, forms of a network that the HTP accepts but that cost time, with their cost.

The figures are simulated, from networks that were compiled both ways for soc_model 52 (docs/truth.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_FEW = 4
"""Fewer chains than this are not worth a warning: a classifier's head is one."""
_FLOAT = 1
_CHANNELS = 4
"""The most channels that an image has."""


def costly_forms(model: Any) -> list[str]:
    """Return sentences on an ONNX model, each with what it contains, what that costs and what to do."""
    graph = model.graph
    return [*_gemm_chains(graph), *_quantised_channel_first(graph)]


def _gemm_chains(graph: Any) -> Iterator[str]:
    made_by = {name: node.op_type for node in graph.node for name in node.output}
    reshaped = {name for node in graph.node if node.op_type == "Reshape" for name in node.input[:1]}
    chains = sum(
        node.op_type == "Gemm" and made_by.get(node.input[0]) == "Reshape" and node.output[0] in reshaped
        for node in graph.node
    )
    if chains >= _FEW:
        yield (
            f"{chains} products of matrices are written as Reshape, Gemm, Reshape, as onnxsim writes MatMul and Add: up to 4 times "
            "slower on the HTP (convnext_tiny 17.8 ms instead of 4.5, beit 17.3 instead of 14.7); convert the network as it "
            "was exported."
        )


def _quantised_channel_first(graph: Any) -> Iterator[str]:
    users: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    for value in graph.input:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        image = len(sizes) == 4 and 0 < sizes[1] <= _CHANNELS < sizes[3]
        quantised = any(node.op_type == "QuantizeLinear" for node in users.get(value.name, ()))
        if image and quantised and value.type.tensor_type.elem_type == _FLOAT:
            yield (
                f"the input {value.name} is float and channel-first, and is quantised and transposed inside: 1.1 to 1.3 times slower "
                "(squeezenet1_1 511 µs instead of 381, resnet50 1068 instead of 924); convert it with "
                f"--input_layout {value.name} NCHW and --quantize_io."
            )
