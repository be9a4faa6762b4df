"""Tensors between a network's ends become outputs: quantised ones in a quantised network, floats in any other."""

from __future__ import annotations

from pathlib import Path

import onnx

from hostsdk.native.inner_outputs import give_out
from tests.hostsdk.networks import conv_net, float_convolution


def test_quantised_tensors_are_given_out_by_what_they_are_of(tmp_path: Path) -> None:
    model = onnx.load(conv_net(tmp_path / "net.onnx"))
    shown = give_out(model)
    assert shown == {"inner_0": "x", "inner_1": "relu0", "inner_2": "y"}
    assert [each.name for each in model.graph.output] == ["y_dq", *shown]
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))


def test_of_floats_every_tensor_is_given_out(tmp_path: Path) -> None:
    model = onnx.load(float_convolution(tmp_path / "net.onnx"))
    assert give_out(model) == {"y": "y"}
    assert [each.name for each in model.graph.output] == ["y"]
