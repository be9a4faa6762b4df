"""Measure how much a network's outputs lose with 8 bits in one place, to find the activations that deserve 16.

The network runs in float, on the first inference of the calibration data, with one group of neighbouring activations
at a time rounded to 8 bits over the range of its values. The loss is that of the outputs, so it includes whatever
later layers do to an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUPS = 128
"""The most groups, each of which takes one inference besides the one that all are compared with."""
SHARE = 0.9
"""The share of all groups' separate losses that the groups given 16 bits account for: the rest is 10 dB lower."""
_SWITCHED = "switched.onnx"
_MERGED = frozenset({"Relu", "Clip"})
"""Computed together with the operation before them: the tensor in between has no bit width of its own."""
_ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max"})
"""Operations whose constants have the bit width of activations, not of weights."""


def sensitive_activations(network: Path, feed: Mapping[str, NDArray[Any]]) -> tuple[list[str], int]:
    """Return the fewest activations that cause `SHARE` of the outputs' loss at 8 bits, and the number of all.

    They are chosen by groups and listed in the network's order.
    """
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load(network, load_external_data=False))
    names = list(_activations(model.graph))
    size = max(1, ceil(len(names) / GROUPS))
    groups = [names[start : start + size] for start in range(0, len(names), size)]
    losses = _losses(_switched(model, groups, network.with_name(_SWITCHED)), feed, len(groups))
    chosen = sorted(fewest(losses, SHARE))
    return [name for number in chosen for name in groups[number]], len(names)


def fewest(losses: Sequence[float], share: float) -> list[int]:
    """Return the indices of the largest losses that together reach that share of all, largest first.

    There are none if nothing is lost.
    """
    wanted, carried, chosen = share * sum(losses), 0.0, []
    for place in sorted(range(len(losses)), key=lambda place: -losses[place]):
        if carried >= wanted:
            break
        carried += losses[place]
        chosen.append(place)
    return chosen


def _activations(graph: Any) -> Iterator[str]:
    """Yield the float tensors that have the bit width of activations, in order."""
    from onnx import TensorProto

    constants = {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    merged = {node.input[0] for node in graph.node if node.op_type in _MERGED and readers[node.input[0]] == 1}
    floats = {
        value.name
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    named = [value.name for value in graph.input if value.name not in constants]
    for node in graph.node:
        if node.op_type in _ELEMENTWISE:
            named.extend(name for name in node.input if name in constants)
        named.extend(node.output)
    yield from (name for name in dict.fromkeys(named) if name in floats | constants and name not in merged)


def _switched(model: Any, groups: Sequence[Sequence[str]], target: Path) -> Path:
    """Save the network with one switch per group, which rounds its activations to 8 bits.

    Weights in files of their own stay there.
    """
    import onnx
    from onnx import TensorProto, helper

    graph = model.graph
    switches = {name: f"qhas_switch_{number}" for number, group in enumerate(groups) for name in group}
    taken = {name: f"{name}/qhas_switched" for name in switches}
    nodes: list[Any] = []
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = taken.get(name, name)
    computed = {name for node in graph.node for name in node.output}
    nodes.extend(_rounding(name, switches[name], taken[name]) for name in switches if name not in computed)
    for node in graph.node:
        nodes.append(node)
        nodes.extend(_rounding(name, switches[name], taken[name]) for name in node.output if name in switches)
    for output in graph.output:
        output.name = taken.get(output.name, output.name)
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input.extend(
        helper.make_tensor_value_info(name, TensorProto.BOOL, [1])
        for name in dict.fromkeys(switches.values())
    )
    onnx.save(model, target)
    return target


def _rounding(name: str, switch: str, taken: str) -> Any:
    from onnx import TensorProto, helper

    def branch(kind: str, nodes: list[Any]) -> Any:
        value = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
        return helper.make_graph(nodes, kind, [], [value])

    parts = [f"{taken}/{part}" for part in ("bytes", "scale", "zero")]
    rounded = [
        helper.make_node("DynamicQuantizeLinear", [name], parts),
        helper.make_node("DequantizeLinear", parts, [f"{taken}/rounded"]),
    ]
    kept = [helper.make_node("Identity", [name], [f"{taken}/kept"])]
    return helper.make_node(
        "If", [switch], [taken], then_branch=branch("rounded", rounded), else_branch=branch("kept", kept)
    )


def _losses(network: Path, feed: Mapping[str, NDArray[Any]], groups: int) -> list[float]:
    """Return, by group, the power of the difference relative to that of the output, summed over the outputs."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = (
        ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    )  # optimisation rewrites quantising pairs
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])

    def outputs(rounded: int | None) -> list[NDArray[Any]]:
        switches = {f"qhas_switch_{number}": np.array([number == rounded]) for number in range(groups)}
        return [np.asarray(each, np.float64) for each in session.run(None, {**feed, **switches})]

    wanted = outputs(None)
    return [
        sum(
            float(np.square(there - here).sum() / max(np.square(here).sum(), np.finfo(float).tiny))
            for here, there in zip(wanted, outputs(number), strict=True)
        )
        for number in range(groups)
    ]
