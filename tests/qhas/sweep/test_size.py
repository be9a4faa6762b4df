"""A network's size is read from the beginning of its file, and is left open if the file cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from fakes.dlc import make_dlc
from qhas.network.dlc import read_network
from qhas.sweep.model_ref import ModelRef
from qhas.sweep.size import NetworkSize, sizes_of
from tests.onnx_bytes import field, node, write_onnx

SAMPLE = Path(__file__).parents[4] / "shared" / "inputs" / "int32-input.dlc"


def size_of(**source: str) -> NetworkSize | None:
    return sizes_of([ModelRef.model_validate({"name": "net", **source})]).get("net")


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared inputs are not on this machine")
def test_a_dlc_has_the_ops_of_all_its_graphs() -> None:
    ops = sum(len(graph.ops) for graph in read_network(SAMPLE).graphs)
    assert size_of(dlc=str(SAMPLE)) == NetworkSize(SAMPLE.stat().st_size, ops)


def test_a_dlc_in_another_form_has_its_bytes_alone(tmp_path: Path) -> None:
    dlc = make_dlc(tmp_path / "net.dlc")
    assert size_of(dlc=str(dlc)) == NetworkSize(dlc.stat().st_size)


def test_what_only_marks_bits_or_holds_a_constant_is_no_op(tmp_path: Path) -> None:
    nodes = [
        node("q", "QuantizeLinear", ["image", "s", "z"], ["i"]),
        node("d", "DequantizeLinear", ["i", "s", "z"], ["j"]),
        node("k", "Constant", [], ["c"]),
        node("conv", "Conv", ["j"], ["h"]),
        node("relu", "Relu", ["h"], ["y"]),
    ]
    onnx = write_onnx(tmp_path / "net.onnx", nodes=nodes)
    assert size_of(onnx=str(onnx)) == NetworkSize(onnx.stat().st_size, 2)


def test_weights_in_files_beside_an_onnx_count(tmp_path: Path) -> None:
    onnx = write_onnx(tmp_path / "net.onnx")
    location = field(1, b"location") + field(2, b"net.data")
    onnx.write_bytes(onnx.read_bytes() + field(14, field(13, location)))
    (tmp_path / "net.data").write_bytes(bytes(1000))
    size = size_of(onnx=str(onnx))
    assert size
    assert size.bytes == onnx.stat().st_size + 1000


def test_of_a_network_elsewhere_only_its_bytes_are_asked() -> None:
    with fsspec.open("memory://models/net.dlc", "wb") as file:
        file.write(bytes(123))
    assert size_of(dlc="memory://models/net.dlc") == NetworkSize(123)


@pytest.mark.parametrize("name", ["missing", "folder", "pipe"])
def test_what_is_no_file_has_no_size_and_nobody_waits_for_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert size_of(dlc=str(tmp_path / name)) is None


def test_damaged_bytes_have_their_number(tmp_path: Path) -> None:
    for name in ("net.dlc", "net.onnx"):
        file = tmp_path / name
        file.write_bytes(b"\x3a\xff\xff" * 40)
        assert size_of(**{name[4:]: str(file)}) == NetworkSize(120)
