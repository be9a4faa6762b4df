"""Structure files are networks without their large weights, which are regenerated on reading."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.failure import BenchFailed
from bench.truth import structure
from qhas.truth.tables import networks

onnx = pytest.importorskip("onnx")

SHARED = Path(__file__).parents[4] / "shared/data/topologies"
MOST_BYTES = 5_000_000


def network(**weights: Any) -> Any:
    """Return a network in which each weight is a node's second input, and all tensors have long names."""
    tensors = [onnx.numpy_helper.from_array(value, f"/long/name/{name}") for name, value in weights.items()]
    nodes = [onnx.helper.make_node("Add", ["x", tensor.name], [f"/out/{tensor.name}"]) for tensor in tensors]
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    nodes += [onnx.helper.make_node("Relu", [nodes[0].output[0]], ["y"])]
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors))


def grown(packed: bytes, folder: Path) -> Any:
    (folder / "net.onnx.xz").write_bytes(packed)
    return structure.read(folder / "net.onnx.xz")


def values(model: Any, at: int = 0) -> Any:
    return onnx.numpy_helper.to_array(model.graph.initializer[at])


def test_a_weight_grows_back_as_it_was_like(tmp_path: Path) -> None:
    variance = np.random.default_rng(1).uniform(1, 1.2, 5000).astype(np.float32)
    packed = structure.pack(network(variance=variance))
    assert len(packed) < 1000
    made = values(grown(packed, tmp_path))
    assert made.shape == variance.shape
    assert made.mean() == pytest.approx(variance.mean(), abs=0.01)
    assert made.min() >= 1


def beside(folder: Path) -> Path:
    """Write a network whose one weight is in a separate file."""
    weight = np.arange(5000, dtype=np.float32)
    path = folder / "net.onnx"
    onnx.save_model(
        network(w=weight), path, save_as_external_data=True, location="net.data", size_threshold=0
    )
    return path


def test_values_in_a_file_beside_the_network_are_read(tmp_path: Path) -> None:
    model = structure.unpack(beside(tmp_path))
    assert structure.grow(model) == 0
    assert values(model)[-1] == 4999


def test_values_whose_file_is_not_there_grow(tmp_path: Path) -> None:
    path = beside(tmp_path)
    (tmp_path / "net.data").unlink()
    model = structure.unpack(path)
    assert structure.grow(model) == 1
    assert values(model).shape == (5000,)
    onnx.save(model, tmp_path / "whole.onnx")


@pytest.mark.parametrize("content", [b"", b"words"])
def test_a_file_without_a_network_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(BenchFailed, match=r"net\.onnx (has no graph|cannot be read)"):
        structure.unpack(tmp_path / "net.onnx")


def test_it_grows_the_same_each_time(tmp_path: Path) -> None:
    packed = structure.pack(network(w=np.random.default_rng(1).standard_normal(5000).astype(np.float32)))
    assert grown(packed, tmp_path) == grown(packed, tmp_path)


def test_patterns_small_constants_and_whole_numbers_are_kept(tmp_path: Path) -> None:
    mask = np.where(np.arange(4000) % 7 == 0, -100, 0).astype(np.float32)
    few, whole = np.array([0.485, 0.456], np.float32), np.arange(5000)[::-1].copy()
    made = grown(structure.pack(network(mask=mask, few=few, whole=whole)), tmp_path)
    for at, kept in enumerate((mask, few, whole)):
        np.testing.assert_array_equal(values(made, at), kept)


def test_names_become_short_and_ends_keep_theirs() -> None:
    model = network(w=np.zeros(3, np.float32))
    structure.pack(model)
    onnx.checker.check_model(model)
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["x", "y"]
    assert {len(name) for node in model.graph.node for name in (*node.input, *node.output)} == {1}


def test_an_end_with_a_short_name_keeps_it_alone() -> None:
    model = network(w=np.zeros(3, np.float32))
    model.graph.input[0].name = model.graph.node[0].input[0] = "0"
    structure.pack(model)
    assert model.graph.initializer[0].name != "0"
    onnx.checker.check_model(model)


def test_a_file_of_others_without_weights_grows_too(tmp_path: Path) -> None:
    model = network(w=np.zeros((64, 3, 3, 3), np.float32))
    model.graph.initializer[0].ClearField("raw_data")
    (tmp_path / "net.onnx.gz").write_bytes(gzip.compress(model.SerializeToString()))
    made = values(structure.read(tmp_path / "net.onnx.gz"))
    assert made.std() == pytest.approx(np.sqrt(2 / 27), rel=0.1)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x00text")
    with pytest.raises(BenchFailed, match="cannot be read as an ONNX file"):
        structure.read(tmp_path / "net.onnx")


def test_all_structure_files_take_a_few_megabytes() -> None:
    sizes = [structure.path_of(name).stat().st_size for name in structure.names()]
    assert len(sizes) >= 50
    assert sum(sizes) <= MOST_BYTES


def test_every_structure_is_of_a_network_of_the_tables() -> None:
    assert {*structure.names()} <= networks().keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", structure.names())
def test_a_structure_has_the_operations_of_another_export(name: str) -> None:
    path = SHARED / f"{name}.onnx.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    worth = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Softmax", "AveragePool", "MaxPool", "PRelu"}
    ours, theirs = (
        Counter(node.op_type for node in structure.unpack(each).graph.node if node.op_type in worth)
        for each in (structure.path_of(name), path)
    )
    assert ours == theirs
