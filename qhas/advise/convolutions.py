"""Rewrites into convolutions: the matrix engine is where the HTP is fast."""

from __future__ import annotations

from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute

_MOST_CHANNELS = 1024
"""Of a shuffle: its convolution has the square of it in weights."""
_MOST_GROWTH = 64
"""Groups: a dense convolution has so many times the weights."""


def shuffle_as_convolution(graph: OnnxGraph) -> int:
    """Channel shuffles of floats."""
    import numpy as np

    changed = 0
    for turned in graph.of("Transpose"):
        before, after = graph.maker(turned.input[0]), graph.only_reader(turned.output[0])
        if before is None or after is None or before.op_type != "Reshape" or after.op_type != "Reshape":
            continue
        if graph.only_reader(before.output[0]) is None or attribute(turned, "perm") != [0, 2, 1, 3, 4]:
            continue
        taken, split = graph.shape(before.input[0]), graph.shape(before.output[0])
        made = graph.shape(after.output[0])
        if not taken or not split or taken != made or len(split) != 5 or taken[1] > _MOST_CHANNELS:
            continue
        if split[1] * split[2] != taken[1]:
            continue
        order = np.arange(taken[1]).reshape(split[1], split[2]).T.ravel()
        weights = np.zeros((taken[1], taken[1], 1, 1), np.float32)
        weights[np.arange(taken[1]), order] = 1.0
        kept = graph.add_constant(f"{after.output[0]}_order", weights)
        new = graph.node("Conv", [before.input[0], kept], after.output[0], kernel_shape=[1, 1])
        graph.replace([before, turned, after], [new])
        changed += 1
    return changed


def dense_for_grouped(graph: OnnxGraph) -> int:
    """Convolutions of several groups of several channels; depthwise ones are an op of their own on the HTP."""
    import numpy as np

    changed = 0
    for conv in graph.of("Conv"):
        groups, weights = attribute(conv, "group", 1), graph.constant(conv.input[1])
        if groups < 2 or groups > _MOST_GROWTH or weights is None or weights.shape[1] < 2:
            continue
        made, taken = weights.shape[:2]
        dense = np.zeros((made, taken * groups, *weights.shape[2:]), weights.dtype)
        each = made // groups
        for group in range(groups):
            rows = slice(group * each, (group + 1) * each)
            dense[rows, group * taken : (group + 1) * taken] = weights[rows]
        attributes = _attributes(conv) | {"group": 1}
        inputs = [conv.input[0], graph.add_constant(f"{conv.output[0]}_dense", dense), *conv.input[2:]]
        graph.replace([conv], [graph.node("Conv", inputs, conv.output[0], **attributes)])
        changed += 1
    return changed


def convolution_for_average_pool(graph: OnnxGraph) -> int:
    """Average pools of 2D images that count their padding, or have none."""
    import numpy as np

    changed = 0
    for pool in graph.of("AveragePool"):
        kernel, pads = attribute(pool, "kernel_shape"), attribute(pool, "pads", [0, 0, 0, 0])
        shape = graph.shape(pool.input[0])
        counted = attribute(pool, "count_include_pad", 0) == 1
        plain = not attribute(pool, "ceil_mode", 0) and attribute(pool, "auto_pad", "NOTSET") == "NOTSET"
        if not shape or len(shape) != 4 or len(kernel) != 2 or not plain or (any(pads) and not counted):
            continue
        if tuple(kernel) == shape[2:]:
            continue  # it is a global one
        weights = np.full((shape[1], 1, *kernel), 1.0 / (kernel[0] * kernel[1]), np.float32)
        kept = graph.add_constant(f"{pool.output[0]}_mean", weights)
        attributes = {"kernel_shape": kernel, "pads": pads, "strides": attribute(pool, "strides", [1, 1])}
        new = graph.node("Conv", [pool.input[0], kept], pool.output[0], group=shape[1], **attributes)
        graph.replace([pool], [new])
        changed += 1
    return changed


def _attributes(node: Any) -> dict[str, Any]:
    return {each.name: attribute(node, each.name) for each in node.attribute}
