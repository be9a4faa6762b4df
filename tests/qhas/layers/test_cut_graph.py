"""Each layer is measured by itself: a wrong one is listed first, and later ones are not blamed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from qhas.layers.cut_graph import measured

IMAGE = (1, 3, 6, 5)
RANDOM = np.random.default_rng(4)
FEED = {"image": RANDOM.normal(size=IMAGE).astype(np.float32)}
WEIGHTS = [RANDOM.normal(size=(4, taken, 3, 3)).astype(np.float32) for taken in (3, 4, 4)]
INNER = ["a", "b", "c", "relu_a", "relu_b", "y"]


def network(path: Path, *, wrong: str = "") -> Path:
    """Write convolutions `a`, `b` and `c`, each followed by a ReLU; the weights of the wrong one are doubled."""
    nodes, taken = [], "image"
    for name in "abc":
        nodes.append(helper.make_node("Conv", [taken, f"w{name}"], [name], name=f"conv_{name}", pads=[1] * 4))
        taken = "y" if name == "c" else f"relu_{name}"
        nodes.append(helper.make_node("Relu", [name], [taken], name=taken))
    constants = [
        numpy_helper.from_array(each * (2 if name == wrong else 1), f"w{name}")
        for name, each in zip("abc", WEIGHTS, strict=True)
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", IMAGE), ("y", None))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("net") / "net.onnx")


def run(path: Path, names: list[str]) -> dict[str, NDArray[Any]]:
    model = onnx.load(path)
    known = {each.name for each in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(names, FEED), strict=True))


def seen(folder: Path, tensors: dict[str, NDArray[Any]], *, last: bool = False) -> dict[str, dict[str, Any]]:
    """Write tensors as an emulator leaves them, off by about a thousandth; with `last`, channels come last."""
    answer = {}
    for name, exact in tensors.items():
        noisy = exact * (1 + RANDOM.normal(size=exact.shape, scale=1e-3))
        lying = np.moveaxis(noisy, 1, -1) if last else noisy
        lying.astype(np.float32).tofile(folder / f"{name}.raw")
        answer[name] = {"file": str(folder / f"{name}.raw"), "shape": list(lying.shape)}
    return answer


@pytest.mark.parametrize("wrong", ["a", "b", "c"])
def test_the_planted_layer_is_the_first(net: Path, tmp_path: Path, wrong: str) -> None:
    values = run(network(tmp_path / "wrong.onnx", wrong=wrong), INNER)
    first, *others = measured(net, FEED, seen(tmp_path, values)).layers
    assert first.nodes == [f"conv_{wrong}"]
    assert first.own
    assert first.own.sqnr_db == pytest.approx(0, abs=0.1)
    assert all(each.own and each.own.sqnr_db > 40 for each in others)


def test_an_operation_that_was_not_seen_is_named_with_the_one_that_was(net: Path, tmp_path: Path) -> None:
    values = run(network(tmp_path / "wrong.onnx", wrong="b"), ["image", "relu_a", "relu_b", "y"][1:])
    answer = measured(net, FEED, seen(tmp_path, values))
    assert answer.layers[0].nodes == ["conv_b", "relu_b"]
    assert answer.layers[0].types == ["Conv", "Relu"]
    assert answer.left_out == ["a", "b", "c"]


def test_channels_last_raise_no_alarm(net: Path, tmp_path: Path) -> None:
    answer = measured(net, FEED, seen(tmp_path, run(net, INNER), last=True))
    assert len(answer.layers) == len(INNER)
    assert all(each.own and each.own.sqnr_db > 40 for each in answer.layers)
    assert all(each.total and each.total.sqnr_db > 40 for each in answer.layers)


def test_another_shape_and_what_overflows_are_told_first(net: Path, tmp_path: Path) -> None:
    tensors = run(net, INNER)
    tensors["b"] = np.full_like(tensors["b"], np.inf)
    left = seen(tmp_path, tensors)
    left["relu_a"]["shape"] = [1, 2, 2, 30]
    layers = {each.tensor: each for each in measured(net, FEED, left).layers}
    assert list(layers)[:2] == ["relu_a", "b"] or list(layers)[:2] == ["b", "relu_a"]
    assert "has 1 x 2 x 2 x 30 values on the HTP" in layers["relu_a"].why
    assert "120 of 120 values are infinite" in layers["b"].why
    assert layers["relu_b"].own
