"""A tensor too large for any machine is refused, naming the operation that would create it; nothing is allocated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hostsdk.errors import ToolError
from hostsdk.native.network import Shapes, ready
from hostsdk.native.tensor_sizes import MOST_ELEMENTS, require_addressable

MANY = 10**10
CASES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "Range": (["a", "b", "c"], {"a": np.float32(0), "b": np.float32(MANY), "c": np.float32(1)}),
    "Tile": (["a", "b"], {"a": np.ones(1, np.float32), "b": np.array([MANY])}),
    "ConstantOfShape": (["a"], {"a": np.array([10**5, 10**5])}),
    "Expand": (["x", "b"], {"b": np.array([MANY // 8, 8])}),
    "Pad": (["x", "b"], {"b": np.array([0, 0, 0, MANY])}),
    "OneHot": (
        ["i", "b", "c"],
        {"i": np.zeros(1, np.int64), "b": np.array(MANY), "c": np.zeros(2, np.float32)},
    ),
    "MatMul": (["a", "b"], {"a": np.zeros((10**5, 1), np.float32), "b": np.zeros((1, 10**5), np.float32)}),
}


def network(kind: str, takes: list[str], constants: dict[str, Any]) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node(kind, takes, ["large"], name="maker"),
        helper.make_node("ReduceMax", ["large"], ["most"], keepdims=0),
        helper.make_node("Add", ["x", "most"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], weights), opset_imports=[helper.make_opsetid("", 17)]
    )


@pytest.mark.parametrize("kind", CASES)
def test_it_is_named_with_the_operation_and_its_size(kind: str, tmp_path: Path) -> None:
    import onnx

    onnx.save(network(kind, *CASES[kind]), file := tmp_path / "net.onnx")
    with pytest.raises(
        ToolError, match=rf"^.*{kind} maker produces a tensor of 10,000,000,\d+ elements \([\d x]+\), but"
    ):
        ready(file, tmp_path, Shapes())


def test_a_shape_that_the_user_gives_counts(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], name="r")], "g", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file := tmp_path / "net.onnx"
    )
    with pytest.raises(ToolError, match="Relu r produces a tensor of 10,000,000,000 elements"):
        ready(file, tmp_path, Shapes({"x": [MANY]}))
    ready(file, tmp_path, Shapes({"x": [8]}))


def test_the_largest_that_may_be_passes_and_so_does_what_cannot_be_told() -> None:
    require_addressable(network("ConstantOfShape", ["a"], {"a": np.array([MOST_ELEMENTS])}))
    require_addressable(network("Unheard", ["x"], {}))
