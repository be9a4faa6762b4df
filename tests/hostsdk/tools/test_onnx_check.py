"""onnx-check reports what each SoC accepts, and onnx-quantize turns a float network into one of fewer bits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.hostsdk import networks
from tests.hostsdk.tools.conftest import run_tool, succeeded

pytestmark = pytest.mark.hostsdk


def test_what_is_not_taken_is_named_for_every_soc(tmp_path: Path) -> None:
    network = networks.with_determinant(tmp_path / "bad.onnx")
    succeeded(
        run_tool(
            "onnx-check", "-i", network, "-o", tmp_path / "a.json", "--htp_socs=sa8255,sm8750", cwd=tmp_path
        )
    )
    answer = json.loads((tmp_path / "a.json").read_text())
    assert {soc: [op["type"] for op in left] for soc, left in answer["socs"].items()} == {
        "sa8255": ["Det"],
        "sm8750": ["Det"],
    }


def test_converter_and_quantiser_say_what_would_do_as_the_check_does(tmp_path: Path) -> None:
    network = networks.recurrent(tmp_path / "rnn.onnx", "GRU")
    (tmp_path / "list.txt").write_text("x.raw\n")
    common = ("-i", network, "-o", tmp_path / "out")
    succeeded(run_tool("onnx-check", *common, "--htp_socs=sa8255", cwd=tmp_path))
    (op,) = json.loads((tmp_path / "out").read_text())["socs"]["sa8255"]
    told = f"the HTP does not support GRU (rnn0): {op['remedy']}."
    for tool, options in (("snpe-onnx-to-dlc", ()), ("onnx-quantize", ("-l", tmp_path / "list.txt"))):
        assert told in run_tool(tool, *common, *options, cwd=tmp_path).stderr


@pytest.mark.parametrize("network", [networks.conv_net, networks.quantised_interface, networks.two_inputs])
def test_what_quantises_the_ends_of_a_network_that_is_taken_is_not_named(
    tmp_path: Path, network: Callable[[Path], Path]
) -> None:
    made = network(tmp_path / "net.onnx")
    succeeded(
        run_tool("onnx-check", "-i", made, "-o", tmp_path / "a.json", "--htp_socs=sa8255", cwd=tmp_path)
    )
    assert json.loads((tmp_path / "a.json").read_text())["socs"] == {"sa8255": []}


def test_multiply_accumulates_are_those_of_the_convolutions(tmp_path: Path) -> None:
    network = networks.conv_net(tmp_path / "net.onnx")
    succeeded(
        run_tool("onnx-check", "-i", network, "-o", tmp_path / "a.json", "--htp_socs=sa8255", cwd=tmp_path)
    )
    assert json.loads((tmp_path / "a.json").read_text())["macs"] == 16 * 16 * 9 * (3 * 8 + 8 * 4)


def test_what_stands_behind_a_gelu_is_quantised_too(tmp_path: Path) -> None:
    network = networks.gelu_between_convolutions(tmp_path / "gelu.onnx")
    np.ones(networks.SHAPE, np.float32).tofile(tmp_path / "ones.raw")
    (tmp_path / "list.txt").write_text("ones.raw\n")
    succeeded(
        run_tool(
            "onnx-quantize",
            "-i",
            network,
            "-o",
            tmp_path / "q.onnx",
            "-l",
            tmp_path / "list.txt",
            cwd=tmp_path,
        )
    )
    graph = onnx.load(tmp_path / "q.onnx").graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert [makers[name] for node in convolutions for name in node.input] == ["DequantizeLinear"] * 6


@pytest.mark.parametrize("bits", [8, 16])
def test_a_float_network_is_quantised_in_the_bits_asked_for(tmp_path: Path, bits: int) -> None:
    network = networks.float_convolution(tmp_path / "float.onnx")
    np.ones(networks.SHAPE, np.float32).tofile(tmp_path / "ones.raw")
    (tmp_path / "list.txt").write_text("ones.raw\n")
    succeeded(
        run_tool(
            "onnx-quantize", "-i", network, "-o", tmp_path / "q.onnx", "-l", tmp_path / "list.txt",
            f"--act_bitwidth={bits}", cwd=tmp_path,
        )
    )  # fmt: skip
    made = onnx.load(tmp_path / "q.onnx")
    assert "QuantizeLinear" in {node.op_type for node in made.graph.node}
    kinds = {constant.data_type for constant in made.graph.initializer}
    assert {8: onnx.TensorProto.UINT8, 16: onnx.TensorProto.UINT16}[bits] in kinds
