"""Rewrites that avoid moving values."""

from __future__ import annotations

from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute

_IMAGE_CHANNELS = 4
"""An image has at most this many channels."""
_TO_FIRST = [0, 3, 1, 2]


def channel_last_inputs(graph: OnnxGraph) -> int:
    """Make channel-first image inputs channel-last, with a Transpose as the first node."""
    constants = {each.name for each in graph.model.graph.initializer}
    changed = 0
    for value in graph.model.graph.input:
        sizes = graph.shape(value.name)
        if value.name in constants or sizes is None or len(sizes) != 4:
            continue
        batch, depth, height, width = sizes
        if not depth <= _IMAGE_CHANNELS < width:
            continue
        inner = graph.name(f"{value.name}_channel_first")
        graph.rewire(value.name, inner)
        graph.insert_first(graph.node("Transpose", [value.name], inner, perm=_TO_FIRST))
        for dim, size in zip(value.type.tensor_type.shape.dim, (batch, height, width, depth), strict=True):
            dim.dim_value = size
        changed += 1
    return changed


def fold_transposes(graph: OnnxGraph) -> int:
    """Fold pairs of Transposes into one or none, if nothing else reads the tensor between them."""
    changed = 0
    while pair := _pair(graph):
        first, second = pair
        outer, inner = attribute(second, "perm"), attribute(first, "perm")
        perm = [inner[axis] for axis in outer]
        source, target = first.input[0], second.output[0]
        if perm == sorted(perm) and target not in {value.name for value in graph.model.graph.output}:
            graph.rewire(target, source)
            graph.replace([first, second], [])
        else:
            graph.replace([first, second], [graph.node("Transpose", [source], target, perm=perm)])
        changed += 1
    return changed


def _pair(graph: OnnxGraph) -> tuple[Any, Any] | None:
    for second in graph.of("Transpose"):
        first = graph.maker(second.input[0])
        both = (
            first is not None
            and first.op_type == "Transpose"
            and graph.only_reader(second.input[0]) is not None
        )
        if both and attribute(first, "perm") and attribute(second, "perm"):
            return first, second
    return None


def matmul_for_gemm_chains(graph: OnnxGraph) -> int:
    """Replace products of higher rank that were flattened for Gemm with MatMul and Add."""
    changed = 0
    for gemm in graph.of("Gemm"):
        before, after = graph.maker(gemm.input[0]), graph.only_reader(gemm.output[0])
        weights = graph.constant(gemm.input[1])
        plain = attribute(gemm, "alpha", 1.0) == attribute(gemm, "beta", 1.0) == 1.0 and not attribute(
            gemm, "transA", 0
        )
        if before is None or after is None or weights is None or not plain:
            continue
        if before.op_type != "Reshape" or after.op_type != "Reshape":
            continue
        source, target = before.input[0], after.output[0]
        taken, made = graph.shape(source), graph.shape(target)
        depth, width = weights.shape[::-1] if attribute(gemm, "transB", 0) else weights.shape
        if not taken or not made or taken[-1] != depth or made != (*taken[:-1], width):
            continue
        if attribute(gemm, "transB", 0):
            weights = weights.T.copy()
        kept = graph.add_constant(f"{gemm.output[0]}_weights", weights)
        bias = gemm.input[2] if len(gemm.input) > 2 else ""
        product = graph.name(f"{target}_product") if bias else target
        new = [graph.node("MatMul", [source, kept], product)]
        new += [graph.node("Add", [product, bias], target)] if bias else []
        old = [gemm, after, *([before] if graph.only_reader(gemm.input[0]) is not None else [])]
        graph.replace(old, new)
        changed += 1
    return changed


def flatten_concats(graph: OnnxGraph) -> int:
    """Merge a Concat into the next one, if only that reads it and both have the same axis."""
    changed = 0
    for inner in graph.of("Concat"):
        outer = graph.only_reader(inner.output[0])
        if outer is None or outer.op_type != "Concat" or attribute(outer, "axis") != attribute(inner, "axis"):
            continue
        inputs = list(outer.input)
        place = inputs.index(inner.output[0])
        inputs[place : place + 1] = inner.input
        new = graph.node("Concat", inputs, outer.output[0], axis=attribute(outer, "axis"))
        graph.replace([inner, outer], [new])
        changed += 1
    return changed
