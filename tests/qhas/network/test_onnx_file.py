"""An ONNX is read without the onnx library: inputs, nodes and their origins; damage is reported in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.network.onnx_file import open_input, read_onnx
from tests.onnx_bytes import FLOAT, field, node, tensor, write_onnx


def test_inputs_have_their_dimensions_and_constants_are_none(tmp_path: Path) -> None:
    inputs = {"image": (1, 3, "height", "width"), "weight": (3,)}
    graph = read_onnx(write_onnx(tmp_path / "net.onnx", inputs=inputs, constants=["weight"]))
    assert [(each.name, each.dimensions, each.type) for each in graph.inputs] == [
        ("image", (1, 3, "height", "width"), "FLOAT_32")
    ]


def test_nodes_have_what_their_exporter_wrote_of_their_origin(tmp_path: Path) -> None:
    written = node("conv", "Conv", ["image"], ["y"], {"pkg.torch.onnx.name_scopes": "['', 'block', 'conv']"})
    (conv,) = read_onnx(write_onnx(tmp_path / "net.onnx", nodes=[written])).nodes
    assert (conv.name, conv.type, conv.inputs, conv.outputs) == ("conv", "Conv", ("image",), ("y",))
    assert conv.metadata == {"pkg.torch.onnx.name_scopes": "['', 'block', 'conv']"}


@pytest.mark.parametrize("cut", [1, 3, 20, 60])
def test_a_file_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    whole = write_onnx(tmp_path / "net.onnx").read_bytes()
    (tmp_path / "net.onnx").write_bytes(whole[:-cut])
    with pytest.raises(ValueError, match=r"net\.onnx cannot be read as an ONNX: it ends within a field"):
        read_onnx(tmp_path / "net.onnx")


def test_an_input_that_is_no_tensor_is_not_asked_for_a_shape(tmp_path: Path) -> None:
    sequence = field(1, b"s") + field(2, field(4, field(1, field(1, field(1, 1)))))
    graph = (
        field(1, node("at", "SequenceAt", ["s"], ["y"])) + field(11, sequence) + field(12, tensor("y", (1,)))
    )
    (tmp_path / "net.onnx").write_bytes(field(1, 8) + field(7, graph))
    told = open_input(read_onnx(tmp_path / "net.onnx"), {})
    assert told is not None
    assert told.startswith("input s is a sequence, a map or an optional value")


def test_a_network_that_takes_nothing_is_a_sentence(tmp_path: Path) -> None:
    network = write_onnx(tmp_path / "net.onnx", constants=["image"])
    with pytest.raises(ValueError, match=r"net\.onnx has no input, so there is nothing to compute"):
        read_onnx(network)


@pytest.mark.parametrize("content", [b"", b"\x08\x08", b"text that is none", bytes(50), b"\xff" * 40])
def test_what_is_no_onnx_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.onnx"):
        read_onnx(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (field(12, tensor("y", (1, 8))), r"net\.onnx has no operation"),
        (field(1, node("relu", "Relu", ["x"], ["y"])), r"net\.onnx has no output"),
        (b"", r"net\.onnx has no operation"),
    ],
)
def test_a_network_that_computes_nothing_is_a_sentence(tmp_path: Path, fields: bytes, says: str) -> None:
    graph = field(11, tensor("x", (1, 8))) + fields
    (tmp_path / "net.onnx").write_bytes(field(1, 8) + field(7, graph))
    with pytest.raises(ValueError, match=f"{says}, so there is nothing to compute"):
        read_onnx(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("shapes", "says"),
    [
        ({}, "image has a dimension without a fixed size (n x 3 x height x 8)"),
        ({}, "--shape image=1,3,height,8"),
        ({"picture": [1]}, "a shape is given for 'picture', but its inputs are image"),
        ({"image": [1, 3]}, "input image has 4 dimensions, but 1 x 3 has 2"),
    ],
)
def test_a_shape_that_is_not_settled_is_asked_for_by_name(
    tmp_path: Path, shapes: dict[str, list[int]], says: str
) -> None:
    graph = read_onnx(write_onnx(tmp_path / "net.onnx", inputs={"image": ("n", 3, "height", 8)}))
    assert says in (open_input(graph, shapes) or "")
    assert open_input(graph, {"image": [2, 3, 8, 8]}) is None


def test_an_input_of_no_shape_at_all_is_asked_for_one(tmp_path: Path) -> None:
    typed = field(1, b"image") + field(2, field(1, field(1, FLOAT)))
    whole = field(1, node("relu", "Relu", ["image"], ["y"])) + field(11, typed) + field(12, tensor("y", (1,)))
    (tmp_path / "net.onnx").write_bytes(field(1, 8) + field(7, whole))
    graph = read_onnx(tmp_path / "net.onnx")
    assert "input image has no shape; give one: --shape image=" in (open_input(graph, {}) or "")
    assert open_input(graph, {"image": [1, 3, 8, 8]}) is None


def test_constants_and_inputs_are_outputs_that_nothing_computes(tmp_path: Path) -> None:
    nodes = [node("k", "Constant", [], ["constant"]), node("r", "Relu", ["image"], ["y"])]
    outputs = b"".join(field(12, field(1, name)) for name in (b"image", b"constant", b"y"))
    graph = b"".join(field(1, each) for each in nodes) + field(11, field(1, b"image")) + outputs
    (tmp_path / "net.onnx").write_bytes(field(1, 8) + field(7, graph))
    assert read_onnx(tmp_path / "net.onnx").computed_outputs == ["y"]


def test_a_lone_value_has_a_shape(tmp_path: Path) -> None:
    assert open_input(read_onnx(write_onnx(tmp_path / "net.onnx", inputs={"scale": ()})), {}) is None
