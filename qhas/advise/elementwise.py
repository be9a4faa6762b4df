"""Rewrites of single operations into cheaper equivalents."""

from __future__ import annotations

from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute


def multiply_for_divide(graph: OnnxGraph) -> int:
    """Replace divisions by constants, and squares written as Pow, with multiplications."""
    import numpy as np

    changed = 0
    for node in graph.of("Div", "Pow"):
        other = graph.constant(node.input[1])
        if other is None or other.dtype not in (np.float32, np.float16):
            continue
        if node.op_type == "Pow":
            if other.size != 1 or float(other.ravel()[0]) != 2.0:
                continue
            inputs = [node.input[0], node.input[0]]
        elif np.all(other != 0):
            inputs = [
                node.input[0],
                graph.add_constant(f"{node.output[0]}_factor", (1 / other).astype(other.dtype)),
            ]
        else:
            continue
        graph.replace([node], [graph.node("Mul", inputs, node.output[0])])
        changed += 1
    return changed


def pool_for_mean(graph: OnnxGraph) -> int:
    """Replace means over height and width with a global average pool, and a Flatten unless both are kept."""
    changed = 0
    for mean in graph.of("ReduceMean"):
        shape, axes = graph.shape(mean.input[0]), _axes(graph, mean)
        if not shape or len(shape) != 4 or not axes or sorted(axis % 4 for axis in axes) != [2, 3]:
            continue
        if attribute(mean, "keepdims", 1):
            new = [graph.node("GlobalAveragePool", [mean.input[0]], mean.output[0])]
        else:
            pooled = graph.name(f"{mean.output[0]}_pooled")
            new = [
                graph.node("GlobalAveragePool", [mean.input[0]], pooled),
                graph.node("Flatten", [pooled], mean.output[0], axis=1),
            ]
        graph.replace([mean], new)
        changed += 1
    return changed


def _axes(graph: OnnxGraph, node: Any) -> list[int] | None:
    """Read the axes from the attribute or, since opset 18, from an input."""
    if len(node.input) > 1:
        values = graph.constant(node.input[1])
        return None if values is None else [int(axis) for axis in values.ravel()]
    axes: list[int] | None = attribute(node, "axes")
    return axes


def clip_for_min_max(graph: OnnxGraph) -> int:
    """Replace Min after Max, or Max after Min, with Clip if each has one constant."""
    changed = 0
    for outer in graph.of("Min", "Max"):
        inner = graph.maker(outer.input[0])
        if (
            inner is None
            or {inner.op_type, outer.op_type} != {"Min", "Max"}
            or graph.only_reader(inner.output[0]) is None
        ):
            continue
        if len(inner.input) != 2 or len(outer.input) != 2:
            continue
        bounds = {node.op_type: graph.constant(node.input[1]) for node in (inner, outer)}
        lowest, highest = bounds["Max"], bounds["Min"]
        if lowest is None or highest is None or lowest.size != 1 or highest.size != 1 or lowest > highest:
            continue
        low = graph.add_constant(f"{outer.output[0]}_low", lowest.reshape(()))
        high = graph.add_constant(f"{outer.output[0]}_high", highest.reshape(()))
        graph.replace([inner, outer], [graph.node("Clip", [inner.input[0], low, high], outer.output[0])])
        changed += 1
    return changed
