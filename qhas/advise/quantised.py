"""Rewrites of networks with QuantizeLinear and DequantizeLinear pairs: inputs and outputs become integers."""

from __future__ import annotations

from typing import Any, NamedTuple

from qhas.advise.onnx_graph import OnnxGraph


class Step(NamedTuple):
    """How the integers of a tensor represent reals. `zero` has their type."""

    scale: Any
    zero: Any

    def whole(self, values: Any) -> Any:
        """Quantise as QuantizeLinear does: halves round to even, values outside the type's range are clipped."""
        import numpy as np

        ends = np.iinfo(self.zero.dtype)
        return np.clip(np.rint(values / self.scale) + int(self.zero), ends.min, ends.max).astype(
            self.zero.dtype
        )

    def real(self, values: Any) -> Any:
        """Dequantise as DequantizeLinear does."""
        import numpy as np

        return (values.astype(np.float32) - np.float32(self.zero)) * self.scale


def quantised_inputs(graph: OnnxGraph) -> int:
    """Make integers of inputs that are quantised first of all."""
    changed = 0
    for value in graph.model.graph.input:
        node = graph.only_reader(value.name)
        step = step_of(graph, node, "QuantizeLinear")
        if node is None or step is None:
            continue
        inner = node.output[0]
        graph.replace([node], [])
        graph.rewire(inner, value.name)
        value.type.tensor_type.elem_type = _type(step)
        changed += 1
    return changed


def quantised_outputs(graph: OnnxGraph) -> int:
    """Make integers of outputs that are dequantised last of all."""
    changed = 0
    for value in graph.model.graph.output:
        node = graph.maker(value.name)
        step = step_of(graph, node, "DequantizeLinear")
        if node is None or step is None or graph.read(value.name):
            continue
        inner = node.input[0]
        if (maker := graph.maker(inner)) is None or maker.op_type != "QuantizeLinear":
            continue
        graph.replace([node], [])
        graph.rewire(inner, value.name)
        if maker := graph.maker(inner):
            maker.output[0] = value.name
        graph.reindex()
        value.type.tensor_type.elem_type = _type(step)
        changed += 1
    return changed


def steps_of_ends(graph: OnnxGraph) -> dict[str, Step]:
    """Return the steps of inputs that are quantised first, and of outputs that are dequantised last."""
    ends = [
        *((value.name, graph.only_reader(value.name), "QuantizeLinear") for value in graph.model.graph.input),
        *((value.name, graph.maker(value.name), "DequantizeLinear") for value in graph.model.graph.output),
    ]
    return {name: step for name, node, kind in ends if (step := step_of(graph, node, kind))}


def step_of(graph: OnnxGraph, node: Any | None, kind: str) -> Step | None:
    """Return the step of a node of that type with one scale for the whole tensor; None for others."""
    if node is None or node.op_type != kind or len(node.input) < 3:
        return None
    scale, zero = graph.constant(node.input[1]), graph.constant(node.input[2])
    if scale is None or zero is None or scale.size != 1 or zero.size != 1 or zero.dtype.kind not in "iu":
        return None
    return Step(scale.reshape(()), zero.reshape(()))


def _type(step: Step) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(step.zero.dtype))
