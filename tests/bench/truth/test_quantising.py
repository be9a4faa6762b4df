"""A network is prepared before ONNX Runtime quantises it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.truth.quantising import _with_distinct_biases, _with_fixed_pads, quantise
from qhas.truth.tables import Precision

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def saved(path: Path, *nodes: tuple[str, list[str], str, dict[str, int]]) -> Path:
    """Write a network of x, 1 x 3 x 4 x 4, whose last node computes y."""
    floats = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, given, [made], **how) for kind, given, made, how in nodes],
        "g",
        [onnx.helper.make_tensor_value_info("x", floats, [1, 3, 4, 4])],
        [onnx.helper.make_tensor_value_info("y", floats, None)],
        [onnx.helper.make_tensor("eight", onnx.TensorProto.INT64, [8], [0] * 8)],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)]), path)
    return path


def test_pads_that_are_computed_of_the_shape_become_numbers(tmp_path: Path) -> None:
    source = saved(
        tmp_path / "net.onnx",
        ("Shape", ["x"], "four", {}),
        ("Concat", ["four", "four"], "pads", {"axis": 0}),
        ("Pad", ["x", "pads"], "y", {}),
    )
    folded = onnx.load(_with_fixed_pads(source)).graph
    assert [node.op_type for node in folded.node] == ["Pad"]


def test_a_network_with_given_pads_stays_as_it_is(tmp_path: Path) -> None:
    source = saved(tmp_path / "net.onnx", ("Pad", ["x", "eight"], "y", {}))
    assert _with_fixed_pads(source) == source


def sharing(path: Path, bias: str, first: str) -> Path:
    """Write a network of three convolutions; the last two share a bias, and the first one's output is `first`."""
    floats = onnx.TensorProto.FLOAT
    random = np.random.default_rng(1)
    values = {"w": random.standard_normal((3, 3, 1, 1)), "own": np.ones(3), bias: np.ones(3)}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "w", "own"], [first]),
            onnx.helper.make_node("Conv", [first, "w", bias], ["second"]),
            onnx.helper.make_node("Conv", ["second", "w", bias], ["third"]),
            onnx.helper.make_node("Add", ["third", first], ["y"]),
        ],
        "g",
        [onnx.helper.make_tensor_value_info("x", floats, [1, 3, 4, 4])],
        [onnx.helper.make_tensor_value_info("y", floats, [1, 3, 4, 4])],
        [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()],
    )
    opset = onnx.helper.make_opsetid("", 17)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_a_shared_bias_takes_no_name_of_another_tensor(tmp_path: Path) -> None:
    made = tmp_path / "made.onnx"
    quantise(sharing(tmp_path / "net.onnx", "1b", "1b0"), made, Precision.W8A8, attention=False)
    onnx.shape_inference.infer_shapes(onnx.load(made), strict_mode=True)
    makers = [node for node in onnx.load(made).graph.node if node.op_type == "Add"]
    assert makers[0].input[1] == "1b0_DequantizeLinear_Output"
    assert "1b0_quantized" not in {tensor.name for tensor in onnx.load(made).graph.initializer}


def test_a_shared_bias_that_clashes_with_nothing_keeps_its_name(tmp_path: Path) -> None:
    source = sharing(tmp_path / "net.onnx", "1b", "first")
    assert _with_distinct_biases(source) == source
