"""An export made anew is no change: other names, another order of constants, another producer. On the host SDK."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import onnx
import pytest

from qhas.gate.gate import GateSpec, judge
from qhas.gate.model import GateState
from qhas.gate.sides import read_sides
from qhas.site import SdkRef, Site
from qhas.site.sdk import find_sdk, host_sdk_root
from tests.hostsdk import networks

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow, pytest.mark.timeout(3000)]
EXPORTS = 25
SOCS = ["sa8255", "sa8797"]


def exported_again(source: Path, target: Path, seed: int) -> None:
    """The same network with nodes, tensors and constants of other names and order, by another producer."""
    chance = random.Random(seed)
    model = onnx.load(source)
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    made = [name for node in graph.node for name in node.output] + [each.name for each in graph.initializer]
    numbers = chance.sample(range(10_000), len(made))
    names = {
        name: f"/model/t_{number}" for name, number in zip(made, numbers, strict=True) if name not in kept
    }
    for number, node in enumerate(graph.node):
        node.name = f"node_{chance.randrange(1000)}_{number}"
        node.doc_string = f"line {chance.randrange(1000)}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    constants = list(graph.initializer)
    chance.shuffle(constants)
    for constant in constants:
        constant.name = names.get(constant.name, constant.name)
    del graph.initializer[:]
    graph.initializer.extend(constants)
    del graph.value_info[:]
    model.producer_name, model.producer_version = "exporter", str(seed)
    onnx.save(model, target)


def test_no_export_made_anew_is_an_alarm(tmp_path: Path) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    for side in (base, head):
        side.mkdir()
    makers = (networks.conv_net, networks.two_inputs, networks.float_convolution, networks.layer_norm)
    for number in range(EXPORTS):
        source = makers[number % len(makers)](base / f"net{number}.onnx")
        exported_again(source, head / source.name, number)
    site = Site(store=str(tmp_path / "store"), sdk=SdkRef(root=host_sdk_root()))
    sides = read_sides(str(base), str(head), ["*"], tmp_path)
    result = judge(*sides, GateSpec(SOCS), site, find_sdk(site.sdk, {}), tmp_path)
    assert Counter(line.state for line in result.lines) == {GateState.SAME: EXPORTS * len(SOCS)}
    assert all(line.change_percent == 0 for line in result.lines)
