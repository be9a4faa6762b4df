"""Netron opens the files that it should and refuses the others."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.judges.netron import open_model
from tests.judges.node import JudgeError

_INTERNAL_TENSOR, _QUINT8, _UINT32, _STRING = 3, 0x0408, "306", "1544"


def htp_graph() -> dict[str, Any]:
    def node(kind: str, qnn_op: str, inputs: list[str], output: str) -> dict[str, Any]:
        scalars = {"qnn_op_name": {_STRING: qnn_op}, "cycles_duration": {_UINT32: 1464}}
        return {"type": kind, "scalar_params": scalars, "input_names": inputs, "output_names": [output]}

    def tensor(number: int) -> dict[str, Any]:
        return {"id": number, "type": _INTERNAL_TENSOR, "data_type": _QUINT8, "dims": [1, 8, 8, 32]}

    return {
        "header": {"artifact_type": "HTP_GRAPH"},
        "model.cpp": "htp_graph",
        "graph": {
            "tensors": {"0xa": tensor(10), "0xb": tensor(11)},
            "nodes": {
                "0xa": node("q::ConvLayer_s1.opt", "conv1", [], "0xa"),
                "0xb": node("q::Add.tcm", "add1", ["0xa"], "0xb"),
            },
        },
    }


def write(path: Path, graph: dict[str, Any]) -> Path:
    path.write_text(json.dumps(graph))
    return path


def test_an_htp_graph_opens_with_its_ops_edges_and_attributes(tmp_path: Path) -> None:
    model = open_model(write(tmp_path / "trace_htp.json", htp_graph()))
    assert (model["format"], model["node_count"]) == ("QNN", 2)
    conv, add = model["graphs"][0]["nodes"]
    assert (conv["type"], add["type"]) == ("q::ConvLayer_s1.opt", "q::Add.tcm")
    assert add["inputs"] == conv["outputs"] == ["0xa"]
    assert add["attributes"] == {"qnn_op_name": "add1", "cycles_duration": 1464}


@pytest.mark.parametrize("damage", ["data_type", "type"])
def test_an_htp_graph_with_an_unknown_code_is_refused(tmp_path: Path, damage: str) -> None:
    graph = htp_graph()
    graph["graph"]["tensors"]["0xa"][damage] = 4711
    with pytest.raises(JudgeError, match="4711"):
        open_model(write(tmp_path / "trace_htp.json", graph))


def test_a_scalar_with_an_unknown_type_code_is_refused(tmp_path: Path) -> None:
    graph = htp_graph()
    graph["graph"]["nodes"]["0xa"]["scalar_params"]["cycles_duration"] = {"7": 1464}
    with pytest.raises(JudgeError, match="data type '7'"):
        open_model(write(tmp_path / "trace_htp.json", graph))


@pytest.mark.parametrize("name", ["model.dlc", "trace_htp.json"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"{"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(JudgeError):
        open_model(path)


@pytest.fixture(scope="module")
def dlc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real DLC of two ops, built by the host SDK's converter."""
    from onnx import TensorProto, helper, save

    directory = tmp_path_factory.mktemp("dlc")
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8]) for name in ("x", "y")]
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Sigmoid", ["r"], ["y"], name="sig"),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "two_ops", tensor[:1], tensor[1:]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    save(model, directory / "two_ops.onnx")
    found = subprocess.run(
        [sys.executable, "-m", "hostsdk", "root"], capture_output=True, text=True, check=True
    )
    converter = Path(found.stdout.strip()) / "bin/x86_64-linux-clang/snpe-onnx-to-dlc"
    target = directory / "two_ops.dlc"
    command: list[str | Path] = [
        converter,
        "--input_network",
        directory / "two_ops.onnx",
        "--output_path",
        target,
    ]
    subprocess.run(command, cwd=directory, capture_output=True, check=True)
    return target


@pytest.mark.hostsdk
def test_a_dlc_opens_with_its_ops(dlc: Path) -> None:
    model = open_model(dlc)
    assert model["format"].startswith("DLC")
    types = [node["type"] for node in model["graphs"][0]["nodes"]]
    assert len(types) == model["node_count"] >= 2
    assert any("Neuron" in name or "Relu" in name for name in types)


@pytest.mark.hostsdk
def test_a_truncated_dlc_is_refused(dlc: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.dlc"
    damaged.write_bytes(dlc.read_bytes()[:-200])
    with pytest.raises(JudgeError):
        open_model(damaged)
