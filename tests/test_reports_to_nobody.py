"""What libraries report to their makers by default stays here: names of networks are often confidential."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_OPEN = """
import {first}
import onnxruntime
from onnx import TensorProto, helper
ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", "x", "y")], "confidential", ports[:1], ports[1:])
network = helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 17)])
onnxruntime.InferenceSession(network.SerializeToString())
"""
_TRACKS = """
import sys
import {first}
assert "prefect" not in sys.modules
from prefect._internal.analytics import is_telemetry_enabled
print(is_telemetry_enabled())
"""


def run(program: str, home: Path, **variables: str) -> str:
    """Run a program with a home of its own, and nothing in its environment that says what it may report."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home), **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("package", ["qhas", "hostsdk", "hostsdk.native.folding", "qhas.accuracy.runtime"])
def test_onnx_runtime_gathers_nothing_about_networks(package: str, tmp_path: Path) -> None:
    run(_OPEN.format(first=package), tmp_path)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("package", ["qhas", "flows", "tasks"])
def test_prefect_does_not_track_its_user(package: str) -> None:
    assert run(_TRACKS.format(first=package), Path("/nonexistent")) == "False"


def test_who_wants_to_report_may() -> None:
    assert run(_TRACKS.format(first="qhas"), Path("/nonexistent"), DO_NOT_TRACK="0") == "True"
