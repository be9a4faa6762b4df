"""Networks built to have a known bound: the simulator, with one thing changed at a time, finds it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qhas.explain.experiments import Resource
from qhas.explain.explain import explain
from qhas.explain.model import Explanation
from qhas.site import Site
from qhas.tune.subject import open_bench

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow, pytest.mark.timeout(600)]


def saved(folder: Path, shape: tuple[int, ...], build: Callable[[Any, Any], str]) -> Path:
    """Save a float network that `build` adds with `node(kind, inputs, **attributes)` and `weights(*shape)`."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, random = list[Any](), list[Any](), np.random.default_rng(1)

    def node(kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weights(*sizes: int, values: Any = None) -> str:
        made = random.standard_normal(sizes).astype(np.float32) / 30 if values is None else values
        constants.append(numpy_helper.from_array(made, f"c{len(constants)}"))
        return constants[-1].name

    last = build(node, weights)
    graph = helper.make_graph(
        nodes,
        "planted",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "planted.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(model), str(path))
    return path


def fully_connected(node: Any, weights: Any) -> str:
    tensor = "x"
    for _ in range(4):
        tensor = node("Relu", [node("Gemm", [tensor, weights(2048, 2048)])])
    return str(tensor)


def shuffle(node: Any, weights: Any) -> str:
    import numpy as np

    tensor = "x"
    for number in range(4):
        split = [1, 4, 32, 28, 28] if number % 2 else [1, 32, 4, 28, 28]
        parts = node("Reshape", [tensor, weights(values=np.array(split))])
        turned = node("Transpose", [parts], perm=[0, 2, 1, 3, 4])
        tensor = node("Tanh", [node("Reshape", [turned, weights(values=np.array([1, 128, 28, 28]))])])
    return str(tensor)


def convolutions(node: Any, weights: Any) -> str:
    tensor = "x"
    for _ in range(8):
        tensor = node("Relu", [node("Conv", [tensor, weights(256, 256, 3, 3)], pads=[1, 1, 1, 1])])
    return str(tensor)


@pytest.mark.parametrize(
    ("shape", "build", "bound"),
    [
        ((1, 2048), fully_connected, Resource.DRAM),
        ((1, 128, 28, 28), shuffle, Resource.HVX),
        ((1, 256, 28, 28), convolutions, Resource.HMX),
    ],
    ids=["memory-bound fully connected", "HVX-bound shuffle", "HMX-bound convolutions"],
)
@pytest.mark.parametrize("soc", ["sa8255", "sm8750"])
def test_the_bound_is_found(
    shape: tuple[int, ...], build: Callable[[Any, Any], str], bound: Resource, soc: str, tmp_path: Path
) -> None:
    network = saved(tmp_path, shape, build)
    with open_bench(str(network), soc, Site(store=str(tmp_path / "store"))) as bench:
        answer: Explanation = explain(bench)
    assert f"is bound by {bound}:" in answer.sentences[0]
    assert answer.bounded_percent >= 90
    assert all(op.ceiling_percent is None or op.ceiling_percent <= 100.01 for op in answer.ops)
    agreeing, tried = answer.agreement
    assert agreeing >= 0.85 * tried > 0
    longest = answer.ops[0]
    assert (longest.runs_on, longest.bound) == (bound, bound)
