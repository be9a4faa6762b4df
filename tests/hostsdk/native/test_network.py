"""A network is made ready whatever its exporter omitted, or refused in one sentence if it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hostsdk.errors import ToolError
from hostsdk.native.network import UPGRADED_OPSET, Shapes, ready

pytestmark = pytest.mark.hostsdk


def write(path: Path, names: tuple[str, str] = ("conv", "relu"), opset: int = 17, **save: Any) -> Path:
    """Write a convolution and a ReLU."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(1).normal(size=(8, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], name=names[0]),
            helper.make_node("Relu", ["c"], ["y"], name=names[1]),
        ],
        "net",
        [helper.make_tensor_value_info("x", save.pop("kind", TensorProto.FLOAT), (1, 3, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, path, **save)
    return path


def apart(path: Path, **options: Any) -> Path:
    """Write the same network with its weights in `net.data`."""
    return write(path, **options, save_as_external_data=True, location="net.data", size_threshold=0)


@pytest.mark.parametrize(
    ("names", "wanted"),
    [(("conv", "relu"), ["conv", "relu"]), (("", ""), ["c", "y"]), (("same", "same"), ["same", "same_1"])],
)
def test_every_node_has_a_name_of_its_own(tmp_path: Path, names: tuple[str, str], wanted: list[str]) -> None:
    import onnx

    network, _ = ready(write(tmp_path / "net.onnx", names), tmp_path, Shapes())
    assert [node.name for node in onnx.load(network).graph.node] == wanted


def test_an_old_opset_is_brought_up_also_where_weights_lie_apart(tmp_path: Path) -> None:
    import onnxruntime

    old = apart(tmp_path / "net.onnx", opset=11)
    (tmp_path / "scratch").mkdir()
    network, _ = ready(old, tmp_path / "scratch", Shapes())
    import onnx

    assert onnx.load(network).opset_import[0].version == UPGRADED_OPSET
    feed = {"x": np.ones((1, 3, 8, 8), np.float32)}
    before, after = (onnxruntime.InferenceSession(path).run(None, feed)[0] for path in (old, network))
    assert np.array_equal(before, after)


def old_clip(path: Path, before: str = "Add") -> Path:
    """Write a Clip whose bounds are attributes, in an IR version that requires weights to be inputs; they are not."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 8)) for name in "xy"]
    nodes = [
        helper.make_node(before, ["x", "w"], ["a"]),
        helper.make_node("Clip", ["a"], ["y"], min=-0.5, max=0.5),
    ]
    weights = [numpy_helper.from_array(np.ones((1, 8), np.float32), "w")]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 7)], ir_version=3), path)
    return path


def test_bounds_that_were_attributes_are_inputs_afterwards(tmp_path: Path) -> None:
    import onnx

    network, _ = ready(old_clip(tmp_path / "net.onnx"), tmp_path, Shapes())
    model = onnx.load(network)
    (clip,) = [node for node in model.graph.node if node.op_type == "Clip"]
    assert model.opset_import[0].version == UPGRADED_OPSET
    assert len(clip.input) == 3


def test_bounds_that_would_get_lost_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"its opset is 7, in which the bounds of Clip .* opset_version=17"):
        ready(old_clip(tmp_path / "net.onnx", before="Unheard"), tmp_path, Shapes())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            Path.unlink,
            "its weight w is in net.data beside the network, which is missing: copy it there as well",
        ),
        (lambda file: file.write_bytes(b"few"), "but the file has 3: it was cut off"),
    ],
)
def test_weights_that_are_not_there_are_missed_by_name(tmp_path: Path, spoil: Any, sentence: str) -> None:
    network = apart(tmp_path / "net.onnx")
    spoil(tmp_path / "net.data")
    with pytest.raises(ToolError, match=sentence):
        ready(network, tmp_path, Shapes())


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("location", "a\0b", "which is not a path: save the network again"),
        ("location", "a" * 5000, "which is not a path: save the network again"),
        ("location", "", "which is missing"),
        ("offset", "9" * 5000, "it was cut off; copy it again"),
        ("length", "9" * 5000, "it was cut off; copy it again"),
    ],
)
def test_a_place_of_weights_that_is_none_is_refused(
    key: str, value: str, sentence: str, tmp_path: Path
) -> None:
    import onnx

    model = onnx.load(apart(tmp_path / "net.onnx"), load_external_data=False)
    place = model.graph.initializer[0].external_data
    kept = {entry.key: entry.value for entry in place} | {key: value}
    del place[:]
    for name, text in kept.items():
        entry = place.add()
        entry.key, entry.value = name, text
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ToolError, match=sentence):
        ready(tmp_path / "net.onnx", tmp_path, Shapes())


def test_weights_outside_of_the_folder_are_not_looked_for(tmp_path: Path) -> None:
    import onnx

    model = onnx.load(apart(tmp_path / "net.onnx"), load_external_data=False)
    model.graph.initializer[0].external_data[0].value = "../../etc/passwd"
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ToolError, match=r"is at \.\./\.\./etc/passwd, outside the network's folder"):
        ready(tmp_path / "net.onnx", tmp_path, Shapes())


@pytest.mark.parametrize("kind", ["DOUBLE", "BFLOAT16", "STRING"])
def test_numbers_that_the_htp_has_none_of_are_told(tmp_path: Path, kind: str) -> None:
    from onnx import TensorProto

    network = write(tmp_path / "net.onnx", kind=TensorProto.DataType.Value(kind))
    with pytest.raises(ToolError, match=f"input x has type {kind}, which the HTP does not support"):
        ready(network, tmp_path, Shapes())
