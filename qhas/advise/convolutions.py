"""Rewrites into convolutions, since the HTP is fast on its matrix engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qhas.advise.onnx_graph import OnnxGraph, attribute

_MOST_CHANNELS = 1024
"""Maximum channels of a shuffle: the number of weights of its convolution is their square."""
_MOST_GROWTH = 64
"""Maximum number of groups: a dense convolution has that many times the weights."""
_MOST_DENSE = 256
"""Maximum channels of a depthwise convolution that is made dense."""
_LARGE = 5
"""Side length in taps from which a depthwise kernel counts as large."""
_MOST_ZEROS = 8
"""Maximum growth in taps of a kernel whose dilation is removed."""


def shuffle_as_convolution(graph: OnnxGraph) -> int:
    """Replace channel shuffles of floats with 1x1 convolutions."""
    import numpy as np

    changed = 0
    for turned in graph.of("Transpose"):
        before, after = graph.maker(turned.input[0]), graph.only_reader(turned.output[0])
        if before is None or after is None or before.op_type != "Reshape" or after.op_type != "Reshape":
            continue
        if graph.only_reader(before.output[0]) is None or attribute(turned, "perm") != [0, 2, 1, 3, 4]:
            continue
        taken, split = graph.shape(before.input[0]), graph.shape(before.output[0])
        shape = graph.shape(after.output[0])
        if not taken or not split or taken != shape or len(split) != 5 or taken[1] > _MOST_CHANNELS:
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
    """Make grouped convolutions dense, but not depthwise ones, which are a separate op on the HTP."""
    return _made_dense(
        graph, lambda _, weights, groups: 2 <= groups <= _MOST_GROWTH and weights.shape[1] >= 2
    )


def dense_for_depthwise(graph: OnnxGraph) -> int:
    """Make depthwise convolutions over few channels dense, if their kernels are large or dilated."""

    def is_wanted(conv: Any, weights: Any, groups: int) -> bool:
        depthwise = weights.ndim == 4 and weights.shape[:2] == (groups, 1) and 1 < groups <= _MOST_DENSE
        dilated = max(attribute(conv, "dilations", [1])) > 1
        return depthwise and (dilated or max(weights.shape[2:]) >= _LARGE)

    return _made_dense(graph, is_wanted)


def _made_dense(graph: OnnxGraph, is_wanted: Callable[[Any, Any, int], bool]) -> int:
    """Put zeros between the groups of each convolution whose node, weights and groups pass `is_wanted`."""
    import numpy as np

    changed = 0
    for conv in graph.of("Conv"):
        groups, weights = attribute(conv, "group", 1), graph.constant(conv.input[1])
        if weights is None or not is_wanted(conv, weights, groups):
            continue
        made, taken = weights.shape[:2]
        dense = np.zeros((made, taken * groups, *weights.shape[2:]), weights.dtype)
        each = made // groups
        for group in range(groups):
            rows = slice(group * each, (group + 1) * each)
            dense[rows, group * taken : (group + 1) * taken] = weights[rows]
        inputs = [conv.input[0], graph.add_constant(f"{conv.output[0]}_dense", dense), *conv.input[2:]]
        graph.replace(
            [conv], [graph.node("Conv", inputs, conv.output[0], **_attributes(conv) | {"group": 1})]
        )
        changed += 1
    return changed


def zeros_for_dilation(graph: OnnxGraph) -> int:
    """Replace the dilation of 2D convolutions with zeros between their taps."""
    import numpy as np

    changed = 0
    for conv in graph.of("Conv"):
        weights, steps = graph.constant(conv.input[1]), attribute(conv, "dilations", [1, 1])
        if weights is None or weights.ndim != 4 or max(steps) < 2:
            continue
        sides = [(side - 1) * step + 1 for side, step in zip(weights.shape[2:], steps, strict=True)]
        if sides[0] * sides[1] > _MOST_ZEROS * weights.shape[2] * weights.shape[3]:
            continue
        spread = np.zeros((*weights.shape[:2], *sides), weights.dtype)
        spread[:, :, :: steps[0], :: steps[1]] = weights
        attributes = _attributes(conv) | {"dilations": [1, 1], "kernel_shape": sides}
        inputs = [conv.input[0], graph.add_constant(f"{conv.output[0]}_spread", spread), *conv.input[2:]]
        graph.replace([conv], [graph.node("Conv", inputs, conv.output[0], **attributes)])
        changed += 1
    return changed


def split_concat(graph: OnnxGraph) -> int:
    """Split a convolution that alone reads a Concat of channels into one convolution per part, and their sum."""
    import numpy as np

    changed = 0
    for joined in graph.of("Concat"):
        conv = graph.only_reader(joined.output[0])
        if conv is None or conv.op_type != "Conv" or attribute(joined, "axis") != 1:
            continue
        weights, shapes = graph.constant(conv.input[1]), [graph.shape(name) for name in joined.input]
        depths = [shape[1] for shape in shapes if shape and len(shape) == 4]
        whole = weights is not None and conv.input[0] == joined.output[0] and attribute(conv, "group", 1) == 1
        if weights is None or not whole or len(depths) != len(shapes) or sum(depths) != weights.shape[1]:
            continue
        parts = np.split(weights, np.cumsum(depths)[:-1], axis=1)
        graph.replace([joined, conv], _sum_of_parts(graph, conv, list(joined.input), parts))
        changed += 1
    return changed


def _sum_of_parts(graph: OnnxGraph, conv: Any, sources: list[str], weights: list[Any]) -> list[Any]:
    nodes, total, last = list[Any](), "", len(sources) - 1
    for number, (source, own) in enumerate(zip(sources, weights, strict=True)):
        kept = graph.add_constant(f"{conv.output[0]}_weights", own)
        part = graph.name(f"{conv.output[0]}_part")
        inputs = [source, kept, *(conv.input[2:] if number == last else ())]
        nodes.append(graph.node("Conv", inputs, part, **_attributes(conv)))
        if total:
            target = conv.output[0] if number == last else graph.name(f"{conv.output[0]}_sum")
            nodes.append(graph.node("Add", [total, part], target))
            part = target
        total = part
    return nodes


def _attributes(node: Any) -> dict[str, Any]:
    return {each.name: attribute(node, each.name) for each in node.attribute}
