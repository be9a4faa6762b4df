"""What is done to a network before ONNX Runtime quantises it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.truth.quantising import _with_fixed_pads

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def saved(path: Path, *nodes: tuple[str, list[str], str, dict[str, int]]) -> Path:
    """A network of x, 1 x 3 x 4 x 4, whose last node makes y."""
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
