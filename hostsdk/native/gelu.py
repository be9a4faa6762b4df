"""Fuse the error-function form of GELU, x/2 (1 + erf(x/√2)), into a Gelu node, as the vendor's converter does.

The HTP has Gelu but not Erf. Constants may be on either side, be divisors or factors, or be quantised; pairs of
QuantizeLinear and DequantizeLinear between the operations are skipped. The pair after the last operation stays and
gives the node its encoding.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DOMAIN = "com.microsoft"
"""The domain of the Gelu that ONNX Runtime's own fusion creates, for networks of any opset."""
_TOLERANCE = 0.02
"""The relative tolerance of a constant: eight bits hold it to within a hundredth."""
_PAIR = ("QuantizeLinear", "DequantizeLinear")


def fuse_gelus(model: Any) -> int:
    """Replace every such form in the main graph by a Gelu, and return their number. Other uses of Erf stay."""
    fused = 0
    for node in [node for node in model.graph.node if node.op_type == "Erf"]:
        graph = _Graph(model.graph)
        if form := _form(graph, node):
            _replace(model, graph, node, form)
            fused += 1
    if fused and not any(opset.domain == _DOMAIN for opset in model.opset_import):
        opset = model.opset_import.add()
        opset.domain, opset.version = _DOMAIN, 1
    return fused


@dataclass(frozen=True)
class _Form:
    """A GELU: its input, as the first operation takes it, and the operation that produces its value."""

    taken: str
    last: Any


class _Graph:
    """Which node makes and which nodes take each tensor, and the scalars among the constants."""

    def __init__(self, graph: Any) -> None:
        self.outputs = {output.name for output in graph.output}
        self.makers = {name: node for node in graph.node for name in node.output}
        self.takers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self.takers[name].append(node)
        self._constants = {constant.name: constant for constant in graph.initializer}

    def origin(self, tensor: str) -> str:
        """Return the tensor before any pairs of quantising and dequantising nodes."""
        while (
            (last := self.makers.get(tensor))
            and last.op_type == _PAIR[1]
            and (first := self.makers.get(last.input[0]))
            and first.op_type == _PAIR[0]
        ):
            tensor = first.input[0]
        return tensor

    def only_taker(self, tensor: str) -> tuple[Any, str] | None:
        """Return the only operation that takes the tensor, after any pairs, and the name it takes it by."""
        for kind in _PAIR * 2:
            takers = self.takers[tensor]
            if len(takers) != 1 or takers[0].op_type != kind:
                break
            tensor = takers[0].output[0]
        takers = self.takers[tensor]
        alone = len(takers) == 1 and tensor not in self.outputs
        return (takers[0], tensor) if alone else None

    def scalar(self, tensor: str) -> float | None:
        """Return the value of a constant of one element; None for any other tensor."""
        from onnx import numpy_helper

        maker = self.makers.get(tensor)
        if maker is not None and maker.op_type == _PAIR[1]:
            return self._dequantised(list(maker.input))
        if maker is not None and maker.op_type == "Constant":
            stored = next((each.t for each in maker.attribute if each.name == "value"), None)
            alone = next((each.f for each in maker.attribute if each.name == "value_float"), None)
            if stored is None:
                return alone
        else:
            stored = self._constants.get(tensor)
        if stored is None or stored.external_data or math.prod(stored.dims) != 1:
            return None
        return float(numpy_helper.to_array(stored).reshape(()))

    def _dequantised(self, inputs: list[str]) -> float | None:
        stored, scale, *zero = (self.scalar(name) if name else 0.0 for name in inputs)
        if stored is None or scale is None or None in zero:
            return None
        return (stored - (zero[0] or 0.0 if zero else 0.0)) * scale


def _form(graph: _Graph, erf: Any) -> _Form | None:
    head = graph.makers.get(graph.origin(erf.input[0]))
    if head is None:
        return None
    for taken, factor in _scaled(graph, head):
        if _is(factor, math.sqrt(0.5)) and (last := _tail(graph, erf, graph.origin(taken))):
            return _Form(taken, last)
    return None


def _scaled(graph: _Graph, node: Any) -> Iterator[tuple[str, float]]:
    """Yield each tensor that the operation multiplies by a constant, and the constant."""
    if node.op_type == "Div" and (divisor := graph.scalar(node.input[1])):
        yield node.input[0], 1 / divisor
    if node.op_type == "Mul":
        for tensor, other in (tuple(node.input), tuple(node.input)[::-1]):
            if (factor := graph.scalar(other)) is not None:
                yield tensor, factor


def _tail(graph: _Graph, erf: Any, x: str) -> Any | None:
    """Return the operation after which (weight · erf + shift), times x once, is half of (erf + 1) times x."""
    weight, shift, times_x = 1.0, 0.0, False
    tensor, node = erf.output[0], None
    while not (times_x and _is(weight, 0.5) and _is(shift, 0.5)):
        if not (taker := graph.only_taker(tensor)):
            return None
        node, name = taker
        other = next((each for each in node.input if each != name), name)
        constant = graph.scalar(other)
        if node.op_type == "Add" and constant is not None and not times_x:
            shift += constant
        elif node.op_type == "Div" and constant and node.input[0] == name:
            weight, shift = weight / constant, shift / constant
        elif node.op_type == "Mul" and constant is not None:
            weight, shift = weight * constant, shift * constant
        elif node.op_type == "Mul" and not times_x and (factor := _multiple(graph, other, x)):
            weight, shift, times_x = weight * factor, shift * factor, True
        else:
            return None
        tensor = node.output[0]
    return node


def _multiple(graph: _Graph, tensor: str, x: str) -> float | None:
    """Return which multiple of x the tensor is; None if it is not one."""
    origin = graph.origin(tensor)
    if origin == x:
        return 1.0
    maker = graph.makers.get(origin)
    scaled = _scaled(graph, maker) if maker is not None else iter(())
    return next((factor for taken, factor in scaled if graph.origin(taken) == x), None)


def _is(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=_TOLERANCE)


def _replace(model: Any, graph: _Graph, erf: Any, form: _Form) -> None:
    """Put the Gelu in place of the last operation, and remove the nodes that only led to it."""
    from onnx import helper

    nodes = model.graph.node
    output = form.last.output[0]
    gelu = helper.make_node("Gelu", [form.taken], [output], name=form.last.name or erf.name, domain=_DOMAIN)
    nodes.insert(list(nodes).index(form.last), gelu)
    nodes.remove(form.last)
    _drop_unused(model.graph, graph.outputs)


def _drop_unused(graph: Any, outputs: set[str]) -> None:
    while True:
        taken = outputs | {name for node in graph.node for name in node.input} | _taken_inside(graph)
        unused = [node for node in graph.node if not taken.intersection(node.output)]
        if not unused:
            return
        for node in unused:
            graph.node.remove(node)


def _taken_inside(graph: Any) -> set[str]:
    """Return the tensors that the bodies of loops and branches take, among them those from outside."""
    bodies = [each.g for node in graph.node for each in node.attribute if each.HasField("g")]
    return {name for body in bodies for node in body.node for name in node.input}.union(
        *(_taken_inside(body) for body in bodies)
    )
