"""Small seeded networks of the kinds that users profile, as ONNX files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_HEADS, _LENGTH, _WIDTH = 2, 16, 32
_PAD = {"pads": [1, 1, 1, 1]}


class _Network:
    """A graph under construction: each step returns its output tensor; weights are drawn in the order of use."""

    def __init__(self, name: str, shape: tuple[int, ...], element: int = TensorProto.FLOAT) -> None:
        self._name = name
        self._input = helper.make_tensor_value_info("x", element, shape)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._random = np.random.default_rng(7)

    def op(self, kind: str, *inputs: str, name: str = "", outputs: int = 1, **attributes: Any) -> str:
        made = name or f"{kind.lower()}{len(self._nodes)}"
        names = [made, *(f"{made}_{number}" for number in range(1, outputs))]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=made, **attributes))
        return made

    def constant(self, value: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def scalar(self, value: float) -> str:
        return self.constant(np.float32(value))

    def weight(self, *shape: int) -> str:
        scale = 1 / np.sqrt(np.prod(shape[1:]) if len(shape) > 2 else shape[0])
        return self.constant((self._random.normal(size=shape) * scale).astype(np.float32))

    def conv(self, tensor: str, taken: int, made: int, size: int = 3, group: int = 1) -> str:
        pads = {"pads": [size // 2] * 4}
        return self.op("Conv", tensor, self.weight(made, taken // group, size, size), group=group, **pads)

    def save(self, folder: Path, output: str) -> Path:
        path = folder / f"{self._name}.onnx"
        last = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self._nodes, self._name, [self._input], [last], self._constants)
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(
            onnx.shape_inference.infer_shapes(helper.make_model(graph, opset_imports=opsets, ir_version=8)),
            path,
        )
        return path


def encoder(folder: Path) -> Path:
    """Write a block of a transformer's encoder: attention, normalisation, GELU in its error-function form."""
    net = _Network("encoder", (1, _LENGTH, _WIDTH))
    attended = _attention(net, _normalised(net, "x"))
    middle = net.op("Add", attended, "x")
    wide = net.op("MatMul", _normalised(net, middle), net.weight(_WIDTH, 4 * _WIDTH))
    inner = net.op("Erf", net.op("Mul", wide, net.scalar(0.5**0.5)))
    gelu = net.op("Mul", net.op("Mul", wide, net.scalar(0.5)), net.op("Add", net.scalar(1), inner))
    narrow = net.op("MatMul", gelu, net.weight(4 * _WIDTH, _WIDTH))
    return net.save(folder, net.op("Add", narrow, middle, name="y"))


def _normalised(net: _Network, tensor: str) -> str:
    ones, zeros = (net.constant(np.full(_WIDTH, value, np.float32)) for value in (1, 0))
    return net.op("LayerNormalization", tensor, ones, zeros, axis=-1)


def _attention(net: _Network, tensor: str) -> str:
    split = net.constant(np.array([1, _LENGTH, _HEADS, _WIDTH // _HEADS]))
    query, key, value = (
        net.op(
            "Transpose",
            net.op("Reshape", net.op("MatMul", tensor, net.weight(_WIDTH, _WIDTH)), split),
            perm=order,
        )
        for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    )
    scores = net.op("Mul", net.op("MatMul", query, key), net.scalar((_HEADS / _WIDTH) ** 0.5))
    mixed = net.op("MatMul", net.op("Softmax", scores, axis=-1), value)
    joined = net.op(
        "Reshape",
        net.op("Transpose", mixed, perm=[0, 2, 1, 3]),
        net.constant(np.array([1, _LENGTH, _WIDTH])),
    )
    return net.op("MatMul", joined, net.weight(_WIDTH, _WIDTH))


def encoder_w8a16(folder: Path) -> Path:
    """Write the encoder with 8-bit weights and 16-bit activations."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize
    from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            generator = np.random.default_rng(3)
            self._samples = iter([generator.normal(size=(1, _LENGTH, _WIDTH)).astype(np.float32)] * 2)

        def get_next(self) -> dict[str, Any] | None:
            return next(({"x": sample} for sample in self._samples), None)

    path, network = folder / "encoder_w8a16.onnx", encoder(folder)
    types = {"activation_type": QuantType.QUInt16, "weight_type": QuantType.QUInt8}
    quantize(network, path, get_qnn_qdq_config(network, Samples(), **types))
    return path


def unet(folder: Path) -> Path:
    """Write a network with one step down and one up, concatenated with the tensor before them."""
    net = _Network("unet", (1, 3, 32, 32))
    left = net.op("Relu", net.conv("x", 3, 8))
    down = net.op("MaxPool", left, kernel_shape=[2, 2], strides=[2, 2])
    bottom = net.op("Relu", net.conv(down, 8, 16))
    factors = net.constant(np.array([1, 1, 2, 2], np.float32))
    up = net.op(
        "Resize",
        bottom,
        "",
        factors,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    joined = net.op("Concat", left, up, axis=1)
    return net.save(folder, net.conv(net.op("Relu", net.conv(joined, 24, 8)), 8, 1, size=1))


def depthwise(folder: Path) -> Path:
    """Write depthwise convolutions between pointwise ones."""
    net = _Network("depthwise", (1, 3, 32, 32))
    tensor = net.op("Relu", net.conv("x", 3, 16))
    for _ in range(2):
        alone = net.op("Clip", net.conv(tensor, 16, 16, group=16), net.scalar(0), net.scalar(6))
        tensor = net.op("Add", net.conv(alone, 16, 16, size=1), tensor)
    return net.save(folder, net.op("GlobalAveragePool", tensor))


def split_topk(folder: Path) -> Path:
    """Write operations with several outputs."""
    net = _Network("split_topk", (1, 16, 64))
    first = net.op("Split", "x", net.constant(np.array([32, 32])), outputs=2, axis=2)
    product = net.op("Mul", first, f"{first}_1")
    return net.save(folder, net.op("TopK", product, net.constant(np.array([4])), outputs=2, axis=-1))


def token_ids(folder: Path) -> Path:
    """Write a table whose rows are looked up by integers, and logits."""
    net = _Network("token_ids", (1, 12), TensorProto.INT64)
    rows = net.op("Gather", net.weight(40, _WIDTH), "x")
    return net.save(folder, net.op("Softmax", net.op("MatMul", rows, net.weight(_WIDTH, 40)), axis=-1))


def outlier(folder: Path) -> Path:
    """Write two products; one column of the tensor between them is a thousand times the others, and then ignored."""
    net = _Network("outlier", (1, 8, _WIDTH))
    factors = np.ones(_WIDTH, np.float32)
    factors[0] = 1000
    wide = net.op(
        "Mul", net.op("MatMul", "x", net.weight(_WIDTH, _WIDTH)), net.constant(factors), name="wide"
    )
    rest = np.random.default_rng(5).standard_normal((_WIDTH, _WIDTH)).astype(np.float32)
    rest[0] = 0
    return net.save(folder, net.op("MatMul", wide, net.constant(rest), name="y"))


FAMILIES: dict[str, Callable[[Path], Path]] = {
    make.__name__: make for make in (encoder, encoder_w8a16, unet, depthwise, split_topk, token_ids)
}
