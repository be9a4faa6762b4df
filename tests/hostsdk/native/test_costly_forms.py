"""Forms of a network that cost time are reported with their cost; other forms are not."""

from __future__ import annotations

import pytest

from hostsdk.native.costly_forms import costly_forms

onnx = pytest.importorskip("onnx")


def model(nodes, shape=(1, 3, 224, 224)):
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [image], []))


def chain(at):
    make = onnx.helper.make_node
    return [
        make("Reshape", [f"x{at}", "flat"], [f"a{at}"]),
        make("Gemm", [f"a{at}", "w", "b"], [f"c{at}"]),
        make("Reshape", [f"c{at}", "full"], [f"x{at + 1}"]),
    ]


def test_chains_of_reshape_and_gemm_are_told_with_what_they_cost():
    (told,) = costly_forms(model([node for at in range(36) for node in chain(at)]))
    assert told.startswith("36 products of matrices")
    assert "17.8 ms instead of 4.5" in told


def test_the_head_of_a_classifier_is_no_chain():
    assert costly_forms(model(chain(0))) == []


def test_products_as_they_are_exported_are_fine():
    nodes = [onnx.helper.make_node("MatMul", [f"x{at}", "w"], [f"x{at + 1}"]) for at in range(36)]
    assert costly_forms(model(nodes)) == []


def quantised():
    return [
        onnx.helper.make_node("QuantizeLinear", ["image", "s", "z"], ["q"]),
        onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
    ]


def test_a_float_image_that_is_transposed_inside_is_told():
    (told,) = costly_forms(model(quantised()))
    assert "image is float and channel-first" in told


@pytest.mark.parametrize("shape", [(1, 224, 224, 3), (1, 384), (1, 3, 3, 3)])
def test_other_inputs_are_fine(shape):
    assert costly_forms(model(quantised(), shape)) == []


def test_a_float_network_may_be_channel_first():
    conv = onnx.helper.make_node("Conv", ["image", "w"], ["y"])
    assert costly_forms(model([conv])) == []
