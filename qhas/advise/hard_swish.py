"""HardSwish written out: as a product with HardSigmoid, or with Add, Clip and a sixth as exporters of TensorFlow write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from qhas.advise.onnx_graph import OnnxGraph, attribute

_FIRST_OPSET = 14
"""HardSwish exists in ONNX since then."""


class _Match(NamedTuple):
    """A tensor and the nodes that compute a part of HardSwish from it."""

    source: str
    nodes: tuple[Any, ...]


_Matcher = Callable[[OnnxGraph, str], _Match | None]


def hard_swish(graph: OnnxGraph) -> int:
    """Replace x * HardSigmoid(x) and x * Clip(x + 3, 0, 6) / 6 with HardSwish, from opset 14 on."""
    if max((each.version for each in graph.model.opset_import if not each.domain), default=0) < _FIRST_OPSET:
        return 0
    changed = 0
    for last in graph.of("Mul", "Div"):
        found = _swish(graph, last.output[0])
        if found and all(graph.only_reader(node.output[0]) is not None for node in found.nodes[1:]):
            graph.replace(found.nodes, [graph.node("HardSwish", [found.source], last.output[0])])
            changed += 1
    return changed


def _swish(graph: OnnxGraph, tensor: str) -> _Match | None:
    """Match a tensor's computation, whether the gate is divided by 6 or the product."""
    sixth = _sixth(graph, tensor)
    return _gated(graph, sixth.source, _clip, sixth.nodes) if sixth else _gated(graph, tensor, _gate)


def _gated(graph: OnnxGraph, tensor: str, gate_of: _Matcher, after: tuple[Any, ...] = ()) -> _Match | None:
    """Match the product of a tensor and its gate."""
    for product, gated, source in _factors(graph, tensor):
        gate = gate_of(graph, gated)
        if gate and gate.source == source:
            return _Match(source, (*after, product, *gate.nodes))
    return None


def _gate(graph: OnnxGraph, tensor: str) -> _Match | None:
    """Match HardSigmoid(x) or Clip(x + 3, 0, 6) / 6."""
    node = graph.maker(tensor)
    if node is not None and node.op_type == "HardSigmoid":
        slope = abs(attribute(node, "alpha", 0.2) - 1 / 6) < 1e-5 and attribute(node, "beta", 0.5) == 0.5
        return _Match(node.input[0], (node,)) if slope else None
    sixth = _sixth(graph, tensor)
    clip = _clip(graph, sixth.source) if sixth else None
    return _Match(clip.source, (*sixth.nodes, *clip.nodes)) if sixth and clip else None


def _sixth(graph: OnnxGraph, tensor: str) -> _Match | None:
    """Match x / 6 or x * (1 / 6)."""
    node = graph.maker(tensor)
    if node is not None and node.op_type == "Div" and _is(graph, node.input[1], 6):
        return _Match(node.input[0], (node,))
    for product, factor, source in _factors(graph, tensor):
        if _is(graph, factor, 1 / 6):
            return _Match(source, (product,))
    return None


def _clip(graph: OnnxGraph, tensor: str) -> _Match | None:
    """Match Clip(x + 3, 0, 6)."""
    clip = graph.maker(tensor)
    if clip is None or clip.op_type != "Clip" or len(clip.input) != 3:
        return None
    add = graph.maker(clip.input[0])
    if (
        add is None
        or add.op_type != "Add"
        or not (_is(graph, clip.input[1], 0) and _is(graph, clip.input[2], 6))
    ):
        return None
    for offset, source in (add.input, reversed(add.input)):
        if _is(graph, offset, 3):
            return _Match(source, (clip, add))
    return None


def _factors(graph: OnnxGraph, tensor: str) -> Iterator[tuple[Any, str, str]]:
    """Yield a product with its two factors, in either order; nothing if the tensor is not a product."""
    node = graph.maker(tensor)
    if node is not None and node.op_type == "Mul":
        first, second = node.input
        yield node, first, second
        yield node, second, first


def _is(graph: OnnxGraph, tensor: str, value: float) -> bool:
    """Whether a tensor is a constant of one element, with this value to single precision."""
    constant = graph.constant(tensor)
    return constant is not None and constant.size == 1 and abs(float(constant.ravel()[0]) - value) < 1e-5
