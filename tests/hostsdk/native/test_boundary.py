"""A network whose ends are given another layout or data type still computes the same."""

from __future__ import annotations

import numpy as np
import pytest

from hostsdk.errors import ToolError
from hostsdk.native.boundary import Boundary, rewrite

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

SCALE, ZERO = 0.02, 128
IMAGE = np.random.default_rng(1).random((1, 3, 5, 6), dtype=np.float32)


def constants():
    weight = np.random.default_rng(2).standard_normal((4, 3, 1, 1)).astype(np.float32)
    named = {"w": weight, "s": np.float32(SCALE), "z": np.uint8(ZERO)}
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in named.items()]


def model(nodes):
    values = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 5, 6)),
        helper.make_tensor_value_info("out", TensorProto.FLOAT, (1, 4, 5, 6)),
    ]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], constants())
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])


def plain():
    return model([helper.make_node("Conv", ["image", "w"], ["out"])])


def paired():
    make = helper.make_node
    return model(
        [
            make("QuantizeLinear", ["image", "s", "z"], ["iq"]),
            make("DequantizeLinear", ["iq", "s", "z"], ["id"]),
            make("Conv", ["id", "w"], ["c"]),
            make("QuantizeLinear", ["c", "s", "z"], ["oq"]),
            make("DequantizeLinear", ["oq", "s", "z"], ["out"]),
        ]
    )


def computed(network, image):
    onnx.checker.check_model(network, full_check=True)
    (made,) = ReferenceEvaluator(network).run(None, {"image": image})
    return made


@pytest.mark.parametrize("build", [plain, paired])
def test_channels_that_came_first_come_last(build):
    network = build()
    rewrite(network, Boundary({"image": "NCHW"}, {"out": "NCHW"}))
    last = computed(network, IMAGE.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(last.transpose(0, 3, 1, 2), computed(build(), IMAGE), atol=1e-6)


def test_a_transposition_stands_inside_the_quantising_pair():
    network = paired()
    rewrite(network, Boundary({"image": "NCHW"}))
    assert [node.op_type for node in network.graph.node][:5] == [
        "QuantizeLinear",
        "DequantizeLinear",
        "Transpose",
        "QuantizeLinear",
        "DequantizeLinear",
    ]


@pytest.mark.parametrize("layouts", [{}, {"image": "NCHW"}])
def test_quantised_ends_are_whole_numbers(layouts):
    network = paired()
    rewrite(network, Boundary(layouts, quantised=True))
    whole = np.clip(np.rint(IMAGE / np.float32(SCALE)) + ZERO, 0, 255).astype(np.uint8)
    made = computed(network, whole.transpose(0, 2, 3, 1) if layouts else whole)
    assert made.dtype == np.uint8
    floats = (made.astype(np.float32) - ZERO) * np.float32(SCALE)
    np.testing.assert_allclose(floats, computed(paired(), IMAGE), atol=1e-6)


def test_a_layout_that_the_htp_has_already_changes_nothing():
    network = plain()
    rewrite(network, Boundary({"image": "NHWC"}))
    assert network == plain()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Boundary({"picture": "NCHW"}), "--input_layout names 'picture', but there are image"),
        (Boundary({}, {"image": "NCHW"}), "--output_layout names 'image', but there are out"),
        (Boundary({"image": "NCF"}), "the tensor has 4 dimensions, its layout is NCHW or NHWC"),
        (Boundary(quantised=True), "this one has none at its inputs or outputs"),
    ],
)
def test_what_does_not_fit_is_refused(asked, sentence):
    with pytest.raises(ToolError, match=sentence):
        rewrite(plain(), asked)
