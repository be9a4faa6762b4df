"""Rewrites of sums over neighbours, in an image or across channels, into convolutions."""

from __future__ import annotations

from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute

_MOST_CHANNELS = 1024
"""Maximum channels of a normalisation: the number of weights of its convolution is their square."""


def convolution_for_average_pool(graph: OnnxGraph) -> int:
    """Replace average pools of 2D images with depthwise convolutions.

    The border is corrected if the padding does not count.
    """
    import numpy as np

    changed = 0
    for pool in graph.of("AveragePool"):
        kernel, pads = attribute(pool, "kernel_shape"), attribute(pool, "pads", [0, 0, 0, 0])
        shape = graph.shape(pool.input[0])
        counted = attribute(pool, "count_include_pad", 0) == 1
        plain = not attribute(pool, "ceil_mode", 0) and attribute(pool, "auto_pad", "NOTSET") == "NOTSET"
        if not shape or len(shape) != 4 or len(kernel) != 2 or not plain or graph.quantised(pool.input[0]):
            continue
        if tuple(kernel) == shape[2:]:
            continue  # a global pool
        weights = np.full((shape[1], 1, *kernel), 1.0 / (kernel[0] * kernel[1]), np.float32)
        kept = graph.add_constant(f"{pool.output[0]}_mean", weights)
        steps = attribute(pool, "strides", [1, 1])
        attributes = {"kernel_shape": kernel, "pads": pads, "strides": steps, "group": shape[1]}
        if counted or not any(pads):
            new = [graph.node("Conv", [pool.input[0], kept], pool.output[0], **attributes)]
        else:
            mean = graph.name(f"{pool.output[0]}_padded")
            share = np.multiply.outer(
                *(
                    _share_inside(size, side, step, pads[axis], pads[axis + 2])
                    for axis, (size, side, step) in enumerate(zip(shape[2:], kernel, steps, strict=True))
                )
            )
            border = graph.add_constant(
                f"{pool.output[0]}_border", (1 / share).astype(np.float32)[None, None]
            )
            new = [
                graph.node("Conv", [pool.input[0], kept], mean, **attributes),
                graph.node("Mul", [mean, border], pool.output[0]),
            ]
        graph.replace([pool], new)
        changed += 1
    return changed


def _share_inside(size: int, side: int, step: int, before: int, after: int) -> Any:
    """Return the share of each window of `side` taps that is inside the image, along one axis."""
    import numpy as np

    inside = np.pad(np.ones(size), (before, after))
    starts = range(0, len(inside) - side + 1, step)
    return np.array([inside[start : start + side].mean() for start in starts])


def convolution_for_lrn(graph: OnnxGraph) -> int:
    """Rewrite local response normalisation over few channels: the sum over neighbours is a 1x1 convolution."""
    import numpy as np

    changed = 0
    for node in graph.of("LRN"):
        shape, size = graph.shape(node.input[0]), attribute(node, "size")
        if not shape or len(shape) != 4 or shape[1] > _MOST_CHANNELS or graph.quantised(node.input[0]):
            continue
        if size % 2 == 0:
            continue  # ONNX Runtime only accepts odd sizes, so that nothing could be checked
        depth = shape[1]
        near = abs(np.subtract.outer(np.arange(depth), np.arange(depth))) <= size // 2
        band = (near * (attribute(node, "alpha", 1e-4) / size)).astype(np.float32)
        offset = np.full(depth, attribute(node, "bias", 1.0), np.float32)
        power = np.float32(-attribute(node, "beta", 0.75))
        source, target = node.input[0], node.output[0]
        square, total, factor = (graph.name(f"{target}_{part}") for part in ("square", "sum", "factor"))
        weights = graph.add_constant(f"{target}_band", band[:, :, None, None])
        bias, exponent = (
            graph.add_constant(f"{target}_bias", offset),
            graph.add_constant(f"{target}_power", power),
        )
        new = [
            graph.node("Mul", [source, source], square),
            graph.node("Conv", [square, weights, bias], total, kernel_shape=[1, 1]),
            graph.node("Pow", [total, exponent], factor),
            graph.node("Mul", [source, factor], target),
        ]
        graph.replace([node], new)
        changed += 1
    return changed
