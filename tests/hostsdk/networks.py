"""Small networks built by the tests: 8-bit, with quantise/dequantise pairs, as a quantiser would write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHAPE = (1, 3, 16, 16)
ACTIVATION_SCALE = 0.05
OUTPUT_SCALE = 0.1
ZERO_POINT = 128
CUSTOM_DOMAIN = "example"


class _Graph:
    """A graph under construction: each step returns its output tensor."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(5)

    def op(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: object) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def quantised(self, tensor: str, scale: float) -> str:
        parameters = [
            self.constant(f"{tensor}_scale", np.float32(scale)),
            self.constant(f"{tensor}_zero", np.uint8(ZERO_POINT)),
        ]
        stored = self.op("QuantizeLinear", [tensor, *parameters], f"{tensor}_q")
        return self.op("DequantizeLinear", [stored, *parameters], f"{tensor}_dq")

    def convolution(self, tensor: str, name: str, channels: tuple[int, int]) -> str:
        taken, made = channels
        stored = self._random.integers(-127, 128, (made, taken, 3, 3)).astype(np.int8)
        scale = np.float32(1.0 / 127 / np.sqrt(taken))
        parameters = [self.constant(f"{name}_w_scale", scale), self.constant(f"{name}_w_zero", np.int8(0))]
        weight = self.op(
            "DequantizeLinear", [self.constant(f"{name}_w", stored), *parameters], f"{name}_w_dq"
        )
        return self.op("Conv", [tensor, weight], name, pads=[1, 1, 1, 1])

    def save(
        self,
        path: Path,
        inputs: list[str],
        output: str,
        element: int = TensorProto.FLOAT,
        *,
        shape: tuple[int | str, ...] = SHAPE,
        made: int | None = None,
    ) -> Path:
        values = [helper.make_tensor_value_info(name, element, shape) for name in inputs]
        outputs = [helper.make_tensor_value_info(output, made or element, None)]
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(CUSTOM_DOMAIN, 1)]
        graph = helper.make_graph(self.nodes, path.stem, values, outputs, self.constants)
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path


def conv_net(path: Path) -> Path:
    """Write two convolutions with a ReLU between: `x` in, `y_dq` out, of 4 channels."""
    graph = _Graph()
    first = graph.convolution(graph.quantised("x", ACTIVATION_SCALE), "conv0", (3, 8))
    hidden = graph.quantised(graph.op("Relu", [first], "relu0"), ACTIVATION_SCALE)
    graph.convolution(hidden, "y", (8, 4))
    return graph.save(path, ["x"], graph.quantised("y", OUTPUT_SCALE))


def two_inputs(path: Path) -> Path:
    """Write the difference of `left` and `right`, as `y_dq`."""
    graph = _Graph()
    sides = [graph.quantised(name, ACTIVATION_SCALE) for name in ("left", "right")]
    graph.op("Sub", sides, "y")
    return graph.save(path, ["left", "right"], graph.quantised("y", OUTPUT_SCALE))


def quantised_interface(path: Path) -> Path:
    """Write a convolution whose input `x_q` and output `y_q` are stored as 8-bit numbers."""
    graph = _Graph()
    scale, zero = (
        graph.constant("x_scale", np.float32(ACTIVATION_SCALE)),
        graph.constant("x_zero", np.uint8(ZERO_POINT)),
    )
    graph.convolution(graph.op("DequantizeLinear", ["x_q", scale, zero], "x_dq"), "y", (3, 4))
    graph.quantised("y", OUTPUT_SCALE)
    del graph.nodes[-1]
    return graph.save(path, ["x_q"], "y_q", TensorProto.UINT8)


def float_net(path: Path) -> Path:
    """Write a ReLU, not quantised."""
    graph = _Graph()
    graph.op("Relu", ["x"], "y")
    return graph.save(path, ["x"], "y")


def float_convolution(path: Path) -> Path:
    """Write a convolution of 3 channels to 8, not quantised."""
    graph = _Graph()
    weights = np.linspace(-1, 1, 8 * 3 * 9, dtype=np.float32).reshape(8, 3, 3, 3)
    graph.op("Conv", ["x", graph.constant("w", weights)], "y", pads=[1, 1, 1, 1])
    return graph.save(path, ["x"], "y")


def gelu_between_convolutions(path: Path) -> Path:
    """Write two convolutions with bias, and between them a GELU as exporters of older opsets write it."""
    graph = _Graph()
    weights = [
        graph.constant("w", np.linspace(-1, 1, 81, dtype=np.float32).reshape(3, 3, 3, 3)),
        graph.constant("b", np.ones(3, np.float32)),
    ]
    root, one, half = (graph.constant(f"c{value}", np.float32(value)) for value in (2**0.5, 1, 0.5))
    hidden = graph.op("Conv", ["x", *weights], "first", pads=[1, 1, 1, 1])
    scaled = graph.op("Div", [hidden, root], "scaled")
    raised = graph.op("Add", [graph.op("Erf", [scaled], "erf"), one], "raised")
    halved = graph.op("Mul", [graph.op("Mul", [hidden, raised], "twice"), half], "gelu")
    graph.op("Conv", [halved, *weights], "y", pads=[1, 1, 1, 1])
    return graph.save(path, ["x"], "y")


def token_net(path: Path, element: int = TensorProto.INT64) -> Path:
    """Write a table of 16 rows, looked up by the integers `ids`: row n is n, n, n, n."""
    graph = _Graph()
    rows = np.repeat(np.arange(16, dtype=np.float32)[:, None], 4, axis=1)
    graph.op("Gather", [graph.constant("table", rows), "ids"], "y")
    return graph.save(path, ["ids"], "y", element, shape=(1, 6), made=TensorProto.FLOAT)


def layer_norm(path: Path) -> Path:
    """Write a single layer normalisation in float."""
    graph = _Graph()
    scale, shift = (
        graph.constant(name, np.full(16, value, np.float32)) for name, value in (("g", 1), ("b", 0))
    )
    graph.op("LayerNormalization", ["x", scale, shift], "y", axis=-1)
    return graph.save(path, ["x"], "y")


def symbolic(path: Path, *shape: int | str) -> Path:
    """Write a convolution with pairs at its ends, of an input `x` whose shape may contain symbols."""
    graph = _Graph()
    graph.convolution(graph.quantised("x", ACTIVATION_SCALE), "conv0", (3, 8))
    return graph.save(path, ["x"], graph.quantised("conv0", OUTPUT_SCALE), shape=shape)


def recurrent(path: Path, kind: str) -> Path:
    """Write one LSTM or GRU, named rnn0."""
    graph = _Graph()
    gates = 4 if kind == "LSTM" else 3
    weights = [graph.constant(name, np.zeros((1, 8 * gates, 8), np.float32)) for name in ("w", "r")]
    graph.op(kind, ["x", *weights], "rnn0", hidden_size=8)
    return graph.save(path, ["x"], "rnn0", shape=(4, 1, 8))


def with_custom_operation(path: Path) -> Path:
    """Write a network with an operation of an unregistered domain, named foo0."""
    graph = _Graph()
    graph.op("Foo", ["x"], "foo0", domain=CUSTOM_DOMAIN)
    return graph.save(path, ["x"], "foo0")


def with_determinant(path: Path) -> Path:
    """Write a network with an operation that the HTP does not have, named det0."""
    graph = _Graph()
    first = graph.convolution(graph.quantised("x", ACTIVATION_SCALE), "conv0", (3, 8))
    graph.op("Relu", [graph.op("Det", [first], "det0")], "y")
    return graph.save(path, ["x"], "y")


def random_input(seed: int) -> NDArray[np.float32]:
    """Return an input of `SHAPE` that covers the quantised range."""
    return np.random.default_rng(seed).normal(0, 2, SHAPE).astype(np.float32)


def reference(network: Path) -> Any:
    """Return an ONNX Runtime session that computes the network in floating point, op by op.

    Its fused 8-bit convolutions add pairs of products in 16 bits on x86 processors without VNNI, and saturate there.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(network, options, providers=["CPUExecutionProvider"])
