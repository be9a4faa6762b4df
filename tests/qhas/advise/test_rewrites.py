"""Every rewrite in the table applies where it should, preserves the results, and leaves lookalikes alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from qhas.advise.exactness import MOST_ERROR, Reference
from qhas.advise.onnx_graph import OnnxGraph
from qhas.advise.quantised import steps_of_ends
from qhas.advise.rewrites import REWRITES

pytestmark = pytest.mark.hostsdk

BY_NAME = {rewrite.name: rewrite for rewrite in REWRITES}


class Net:
    """A network under construction, from `x` to the output of its last node."""

    def __init__(self, shape: tuple[int, ...], outputs: tuple[str, ...] = ("y",)) -> None:
        self._shape, self._outputs = shape, outputs
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._random = np.random.default_rng(3)

    def op(self, kind: str, inputs: str, output: str, **attributes: Any) -> Net:
        names = inputs.split()
        self._nodes.append(helper.make_node(kind, names, [output], name=output, **attributes))
        return self

    def weights(self, name: str, *shape: int) -> Net:
        return self.constant(name, self._random.standard_normal(shape).astype(np.float32))

    def constant(self, name: str, values: Any) -> Net:
        self._constants.append(numpy_helper.from_array(np.asarray(values), name))
        return self

    def model(self) -> Any:
        graph = helper.make_graph(
            self._nodes,
            "net",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self._shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self._outputs],
            self._constants,
        )
        return onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        )


IMAGE = (1, 3, 16, 16)
FEATURES = (1, 24, 8, 8)
SPLIT = np.array([1, 2, 12, 8, 8])
WHOLE = np.array(FEATURES)


def convolution() -> Net:
    return Net(IMAGE).weights("w", 8, 3, 3, 3).op("Conv", "x w", "y", pads=[1, 1, 1, 1])


def transposes(second: list[int]) -> Net:
    net = Net(FEATURES).op("Relu", "x", "a").op("Transpose", "a", "b", perm=[0, 2, 3, 1])
    return net.op("Transpose", "b", "c", perm=second).op("Relu", "c", "y")


def gemm_chain() -> Net:
    net = Net((1, 5, 7)).constant("flat", np.array([5, 7])).constant("full", np.array([1, 5, 9]))
    net.weights("w", 9, 7).weights("b", 9).op("Reshape", "x flat", "a")
    return net.op("Gemm", "a w b", "c", transB=1).op("Reshape", "c full", "y")


def shuffle(perm: list[int], outputs: tuple[str, ...] = ("y",)) -> Net:
    net = Net(FEATURES, outputs).constant("split", SPLIT).constant("whole", WHOLE)
    net.op("Reshape", "x split", "a").op("Transpose", "a", "b", perm=perm)
    return net.op("Reshape", "b whole", "y")


def grouped(groups: int) -> Net:
    return (
        Net(FEATURES).weights("w", 24, 24 // groups, 3, 3).weights("b", 24)
        .op("Conv", "x w b", "y", group=groups, pads=[1, 1, 1, 1])
    )  # fmt: skip


def depthwise(side: int, channels: int = 24, dilation: int = 1) -> Net:
    around = dilation * (side // 2)
    return (
        Net((1, channels, 8, 8)).weights("w", channels, 1, side, side).weights("b", channels)
        .op("Conv", "x w b", "y", group=channels, pads=[around] * 4, dilations=[dilation] * 2)
    )  # fmt: skip


def dilated(side: int, steps: list[int]) -> Net:
    net = Net(FEATURES).weights("w", 8, 24, side, side).weights("b", 8)
    return net.op("Conv", "x w b", "y", dilations=steps, pads=[steps[0], steps[1]] * 2, strides=[2, 1])


def joined(axis: int = 1, outputs: tuple[str, ...] = ("y",), groups: int = 1) -> Net:
    net = Net(FEATURES, outputs).op("Relu", "x", "a").op("Sigmoid", "x", "b").op("Tanh", "x", "c")
    made = 72 if axis == 1 else 24
    net.weights("w", 12, made // groups, 3, 3).weights("bias", 12)
    return net.op("Concat", "a b c", "d", axis=axis).op(
        "Conv", "d w bias", "y", pads=[1, 1, 1, 1], group=groups
    )


def nested(inner: int, outer: int, outputs: tuple[str, ...] = ("y",)) -> Net:
    net = Net(FEATURES, outputs).op("Relu", "x", "a").op("Concat", "a x", "b", axis=inner)
    return net.op("Concat", "b a" if outer == inner else "b b", "y", axis=outer)


def normalised(size: int, channels: int = 24) -> Net:
    return Net((1, channels, 8, 8)).op("LRN", "x", "y", size=size, alpha=0.5, beta=0.75, bias=2.0)


def quantised_pool() -> Net:
    net = Net(FEATURES).constant("s", np.float32(0.02)).constant("z", np.uint8(128))
    net.op("QuantizeLinear", "x s z", "q").op("DequantizeLinear", "q s z", "d")
    return net.op("AveragePool", "d", "y", kernel_shape=[2, 2])


def average(**attributes: Any) -> Net:
    return Net(FEATURES).op("AveragePool", "x", "y", kernel_shape=[3, 3], **attributes)


def narrow(activation: str, last_groups: int = 1) -> Net:
    net = Net(IMAGE).weights("w1", 24, 3, 1, 1).weights("b1", 24).weights("w2", 24, 1, 3, 3)
    net.weights("w3", 8, 24 // last_groups, 1, 1).op("Conv", "x w1 b1", "a").op(activation, "a", "b")
    net.op("Conv", "b w2", "c", group=24, pads=[1, 1, 1, 1])
    return net.op("Conv", "c w3", "y", group=last_groups)


def scaled(kind: str, value: float) -> Net:
    return Net(FEATURES).constant("c", np.float32(value)).op(kind, "x c", "y")


def swish(alpha: float) -> Net:
    return Net(FEATURES).op("HardSigmoid", "x", "a", alpha=alpha, beta=0.5).op("Mul", "x a", "y")


def written_out(sixth: str, *, of_product: bool, offset: float = 3.0, high: float = 6.0) -> Net:
    """HardSwish as Add, Clip, Mul and a factor of a sixth, which applies either to the product or to the gate."""
    net = Net(FEATURES).constant("three", np.float32(offset)).constant("zero", np.float32(0))
    net.constant("six", np.float32(high)).constant("by", np.float32(6 if sixth == "Div" else 1 / 6))
    net.op("Add", "three x", "a").op("Clip", "a zero six", "c")
    if of_product:
        return net.op("Mul", "x c", "m").op(sixth, "m by", "y")
    return net.op(sixth, "c by", "g").op("Mul", "g x", "y")


def mean(axes: list[int], keep: int) -> Net:
    return Net(FEATURES).op("ReduceMean", "x", "y", axes=axes, keepdims=keep)


def clipped(low: float, high: float) -> Net:
    net = Net(FEATURES).constant("low", np.float32(low)).constant("high", np.float32(high))
    return net.op("Max", "x low", "a").op("Min", "a high", "y")


def quantised(zero: int = 128, *, per_channel: bool = False) -> Net:
    """A convolution between quantise-dequantise pairs, with float input and output."""
    scale = np.full(3, 0.02, np.float32) if per_channel else np.float32(0.02)
    offset = np.full(3, zero, np.uint8) if per_channel else np.uint8(zero)
    net = Net(IMAGE).constant("s", scale).constant("z", offset).weights("w", 8, 3, 3, 3)
    net.constant("t", np.float32(0.1)).constant("o", np.uint8(120))
    net.op("QuantizeLinear", "x s z", "q", axis=1).op("DequantizeLinear", "q s z", "d", axis=1)
    net.op("Conv", "d w", "c", pads=[1, 1, 1, 1])
    return net.op("QuantizeLinear", "c t o", "r").op("DequantizeLinear", "r t o", "y")


APPLY = [
    ("quantised-input", quantised()),
    ("quantised-output", quantised()),
    ("channel-last-input", convolution()),
    ("fold-transposes", transposes([0, 3, 1, 2])),
    ("fold-transposes", transposes([0, 2, 1, 3])),
    ("matmul-for-gemm-chain", gemm_chain()),
    ("shuffle-as-convolution", shuffle([0, 2, 1, 3, 4])),
    ("dense-for-grouped", grouped(4)),
    ("dense-for-depthwise", depthwise(5)),
    ("dense-for-depthwise", depthwise(3, dilation=2)),
    ("zeros-for-dilation", dilated(3, [2, 2])),
    ("zeros-for-dilation", dilated(3, [2, 1])),
    ("zeros-for-dilation", depthwise(3, dilation=2)),
    ("split-concat", joined()),
    ("flatten-concats", nested(1, 1)),
    ("convolution-for-lrn", normalised(5)),
    ("convolution-for-lrn", normalised(3)),
    ("convolution-for-average-pool", average(pads=[1, 1, 1, 1])),
    ("convolution-for-average-pool", average(pads=[0, 1, 2, 1], strides=[2, 1])),
    ("convolution-for-average-pool", average(pads=[1, 1, 1, 1], count_include_pad=1)),
    ("convolution-for-average-pool", average(strides=[2, 2])),
    ("pad-channels", narrow("Relu")),
    ("pad-channels", narrow("Sigmoid")),
    ("multiply-for-divide", scaled("Div", 0.7)),
    ("multiply-for-divide", scaled("Pow", 2.0)),
    ("hard-swish", swish(1 / 6)),
    ("hard-swish", written_out("Div", of_product=False)),
    ("hard-swish", written_out("Mul", of_product=False)),
    ("hard-swish", written_out("Div", of_product=True)),
    ("hard-swish", written_out("Mul", of_product=True)),
    ("pool-for-mean", mean([2, 3], 1)),
    ("pool-for-mean", mean([-1, -2], 0)),
    ("clip-for-min-max", clipped(-0.5, 0.5)),
]
LEFT = [
    ("channel-last-input", Net(FEATURES).op("Relu", "x", "y")),
    ("shuffle-as-convolution", shuffle([0, 1, 2, 4, 3])),
    ("shuffle-as-convolution", shuffle([0, 2, 1, 3, 4], outputs=("y", "b"))),
    ("dense-for-grouped", grouped(24)),
    ("dense-for-grouped", grouped(1)),
    ("dense-for-depthwise", depthwise(3)),
    ("dense-for-depthwise", depthwise(5, channels=512)),
    ("dense-for-depthwise", dilated(3, [2, 2])),
    ("zeros-for-dilation", dilated(3, [1, 1])),
    ("zeros-for-dilation", dilated(3, [6, 6])),
    ("split-concat", joined(axis=2)),
    ("split-concat", joined(outputs=("y", "d"))),
    ("split-concat", joined(groups=3)),
    ("flatten-concats", nested(2, 1)),
    ("flatten-concats", nested(1, 1, outputs=("y", "b"))),
    ("convolution-for-lrn", normalised(5, channels=2048)),
    ("convolution-for-lrn", normalised(4)),
    ("convolution-for-average-pool", average(pads=[1, 1, 1, 1], ceil_mode=1)),
    ("convolution-for-average-pool", quantised_pool()),
    ("pad-channels", narrow("Softmax")),
    ("pad-channels", narrow("Relu", last_groups=2)),
    ("multiply-for-divide", scaled("Div", 0.0)),
    ("multiply-for-divide", scaled("Pow", 3.0)),
    ("hard-swish", swish(0.2)),
    ("hard-swish", written_out("Div", of_product=True, offset=2.0)),
    ("hard-swish", written_out("Mul", of_product=False, high=5.0)),
    ("pool-for-mean", mean([1], 1)),
    ("clip-for-min-max", clipped(0.5, -0.5)),
]


def rewritten(name: str, model: Any) -> tuple[int, Any]:
    graph = OnnxGraph(type(model).FromString(model.SerializeToString()))
    places = BY_NAME[name].apply(graph)
    return places, graph.tidied()


@pytest.mark.parametrize(("name", "net"), APPLY)
def test_a_rewritten_network_computes_the_same(name: str, net: Net, tmp_path: Path) -> None:
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(net.model(), str(before))
    places, model = rewritten(name, net.model())
    onnx.save(model, str(after))
    assert places == 1
    assert Reference(before, steps_of_ends(OnnxGraph(net.model()))).error_of(after) <= MOST_ERROR / 100


@pytest.mark.parametrize(("name", "net"), LEFT)
def test_what_only_looks_alike_is_left(name: str, net: Net) -> None:
    before = net.model()
    places, after = rewritten(name, before)
    assert places == 0
    assert list(after.graph.node) == list(before.graph.node)


def test_every_rewrite_has_a_network_that_it_applies_to() -> None:
    assert {name for name, _ in APPLY} == set(BY_NAME)


def test_a_network_that_computes_something_else_is_seen(tmp_path: Path) -> None:
    for name, value in (("before", 0.7), ("after", 0.71)):
        onnx.save(scaled("Div", value).model(), str(tmp_path / f"{name}.onnx"))
    assert Reference(tmp_path / "before.onnx").error_of(tmp_path / "after.onnx") > MOST_ERROR


@pytest.mark.parametrize(
    ("factor", "says"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (0.0, "the same for any random input")],
)
def test_a_network_that_could_show_no_difference_proves_nothing(
    factor: float, says: str, tmp_path: Path
) -> None:
    onnx.save(scaled("Mul", factor).model(), str(tmp_path / "net.onnx"))
    with pytest.raises(ValueError, match=says):
        Reference(tmp_path / "net.onnx")


def test_a_rewritten_network_that_ends_in_no_number_is_not_the_same(tmp_path: Path) -> None:
    for name, value in (("before", 0.7), ("after", np.nan)):
        onnx.save(scaled("Mul", value).model(), str(tmp_path / f"{name}.onnx"))
    with pytest.raises(ValueError, match="not finite"):
        Reference(tmp_path / "before.onnx").error_of(tmp_path / "after.onnx")


def test_what_a_branch_reads_has_another_reader() -> None:
    model = transposes([0, 3, 1, 2]).model()
    inner = helper.make_graph(
        [helper.make_node("Relu", ["b"], ["z"])], "then", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    flag = numpy_helper.from_array(np.array(True), "flag")
    model.graph.initializer.append(flag)
    model.graph.node.append(
        helper.make_node("If", ["flag"], ["branch"], then_branch=inner, else_branch=inner)
    )
    assert rewritten("fold-transposes", model)[0] == 0
