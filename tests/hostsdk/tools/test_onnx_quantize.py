"""The HTP accepts what the quantiser produces."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions

from hostsdk import layout
from tests.hostsdk.families import encoder, outlier
from tests.hostsdk.tools.conftest import Tool, run_tool, succeeded

pytestmark = pytest.mark.hostsdk
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10)
"""
"""Runs a tool and prints its peak memory in bytes: a direct child would start with this process's peak."""


@pytest.mark.parametrize(("weights", "activations"), [(8, "8"), (8, "16"), (4, "16"), (8, "mixed")])
def test_a_transformer_is_quantised_as_the_htp_takes_it(
    weights: int, activations: str, convert: Tool, tmp_path: Path
) -> None:
    network = encoder(tmp_path)
    np.random.default_rng(0).standard_normal((1, 16, 32)).astype(np.float32).tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n", encoding="utf-8")
    bits = ["--weights_bitwidth", weights, "--act_bitwidth", activations]
    succeeded(run_tool("onnx-quantize", "-i", network, "-o", "q.onnx", "-l", "list.txt", *bits, cwd=tmp_path))
    succeeded(convert("-i", "q.onnx", "-o", "q.dlc"))


def test_mixed_bits_are_nearer_than_8_and_most_activations_stay_in_8(tmp_path: Path) -> None:
    network = outlier(tmp_path)
    values = np.random.default_rng(0).standard_normal((1, 8, 32)).astype(np.float32)
    values.tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n", encoding="utf-8")
    for bits in ("8", "mixed"):
        ended = run_tool(
            "onnx-quantize",
            "-i",
            network,
            "-o",
            f"{bits}.onnx",
            "-l",
            "list.txt",
            "--act_bitwidth",
            bits,
            cwd=tmp_path,
        )
        succeeded(ended)
    assert "2 of 5 activations have 16 bits: c1, wide" in ended.stdout
    wanted, bytes_alone, mixed = (
        _computed(tmp_path / name, values) for name in (network.name, "8.onnx", "mixed.onnx")
    )
    assert np.abs(mixed - wanted).max() < np.abs(bytes_alone - wanted).max() / 10


def test_activations_are_let_go_one_by_one_while_their_ranges_are_found(tmp_path: Path) -> None:
    shape, activations = [1, 1, 2048, 2048], 60
    names = ["x", *(f"a{number}" for number in range(activations))]
    nodes = [helper.make_node("Relu", [before], [after]) for before, after in pairwise(names)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in (names[0], names[-1])]
    graph = helper.make_graph(nodes, "wide", ends[:1], ends[1:])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        tmp_path / "wide.onnx",
    )
    np.ones(shape, np.float32).tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n", encoding="utf-8")
    tool = layout.sdk().root / "bin" / layout.TARGET / "onnx-quantize"
    arguments = ["-i", "wide.onnx", "-o", "q.onnx", "-l", "list.txt"]
    measured = subprocess.run(
        [sys.executable, "-c", PEAK, tool, *arguments],
        cwd=tmp_path,
        env={},
        check=True,
        stdout=subprocess.PIPE,
    )
    assert int(measured.stdout.split()[-1]) < activations * 4 * math.prod(shape)


def _computed(network: Path, values: Any) -> Any:
    options = SessionOptions()
    options.graph_optimization_level = GraphOptimizationLevel.ORT_DISABLE_ALL
    session = InferenceSession(network, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0]
