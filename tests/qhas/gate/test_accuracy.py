"""A gate compares the outputs of both sides with the base's ONNX in floats, on the host SDK."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from qhas.gate.formats import markdown
from qhas.gate.gate import GateSpec, judge
from qhas.gate.model import GateLine, GateResult, GateState
from qhas.gate.sides import read_sides
from qhas.site import SdkRef, Site
from qhas.site.sdk import find_sdk, host_sdk_root
from tests.hostsdk import networks

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("gate_accuracy")]
ROUNDED, RENAMED, ALONE = "rounded", "renamed", "alone"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> GateResult:
    """A gate over a network with weights rounded to quarters, one with a renamed node, and a new one."""
    folder = tmp_path_factory.mktemp("gate")
    base, head = folder / "base", folder / "head"
    for side in (base, head):
        side.mkdir()
        for name in (ROUNDED, RENAMED):
            networks.float_convolution(side / f"{name}.onnx")
    networks.float_net(head / f"{ALONE}.onnx")
    model = onnx.load(head / f"{ROUNDED}.onnx")
    (weights,) = model.graph.initializer
    rounded = np.round(numpy_helper.to_array(weights) * 4) / 4
    weights.CopyFrom(numpy_helper.from_array(rounded, weights.name))
    onnx.save(model, head / f"{ROUNDED}.onnx")
    model = onnx.load(head / f"{RENAMED}.onnx")
    model.graph.node[0].name = "another"
    onnx.save(model, head / f"{RENAMED}.onnx")
    root = host_sdk_root()
    site = Site(store=str(folder / "store"), sdk=SdkRef(root=root))
    sides = read_sides(str(base), str(head), ["*"], folder)
    return judge(*sides, GateSpec(["sa8255"]), site, find_sdk(site.sdk, {}), folder)


def line_of(result: GateResult, network: str) -> GateLine:
    (line,) = [line for line in result.lines if line.network == network]
    return line


def test_weights_that_lose_digits_are_told_and_stop_nothing(result: GateResult) -> None:
    line = line_of(result, ROUNDED)
    assert line.state is GateState.LESS_ACCURATE
    assert line.sqnr_before_db is not None
    assert line.sqnr_after_db is not None
    assert line.sqnr_before_db > 50 > 30 > line.sqnr_after_db
    assert line.sentence.startswith("Its outputs are further from the base's in floats: SQNR ")
    assert result.passed


def test_other_names_are_no_other_accuracy(result: GateResult) -> None:
    line = line_of(result, RENAMED)
    assert line.state is GateState.SAME
    assert line.sqnr_before_db == line.sqnr_after_db
    assert line.cosine_before == line.cosine_after


def test_a_new_network_is_held_against_itself(result: GateResult) -> None:
    line = line_of(result, ALONE)
    assert line.state is GateState.NEW
    assert line.sqnr_before_db is None
    assert line.sqnr_after_db is not None


def test_markdown_says_what_the_outputs_were_held_against(result: GateResult) -> None:
    text = markdown(result)
    assert " dB → " in text
    assert "against ONNX Runtime's in floats, of the base's ONNX" in text
