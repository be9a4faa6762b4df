"""The small networks: convolutions, element-wise ops, and fully connected layers with more weights than VTCM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.truth import quantising
from bench.truth.estimating import host_sdk, to_dlc
from qhas.truth.tables import Precision

_SEED = 1


class _Net:
    """An ONNX network under construction: every operation has one output, named after the operation."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._ends: dict[str, list[Any]] = {"in": [], "out": []}

    def input(self, *shape: int) -> str:
        return self._end("in", f"x{len(self._ends['in'])}", shape)

    def output(self, name: str) -> None:
        self._end("out", name, None)

    def _end(self, side: str, name: str, shape: tuple[int, ...] | None) -> str:
        from onnx import TensorProto, helper

        self._ends[side].append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def weights(self, *shape: int) -> str:
        from onnx import numpy_helper

        values = self._random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        self._constants.append(numpy_helper.from_array(values.astype(np.float32), f"w{len(self._constants)}"))
        return str(self._constants[-1].name)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def save(self, path: Path) -> None:
        import onnx
        from onnx import helper

        graph = helper.make_graph(
            self._nodes, "ceiling", self._ends["in"], self._ends["out"], self._constants
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), str(path))


_CONVOLUTIONS = (
    (64, 64, 56, 3), (128, 128, 56, 3), (128, 128, 28, 3), (256, 256, 28, 3), (512, 512, 14, 3),
    (256, 128, 56, 1), (256, 512, 28, 1), (1024, 256, 14, 1), (1024, 1024, 14, 1),
)  # fmt: skip
"""Channels in and out, height and width, kernel: which is the fastest differs by SoC and format.

None has fewer channels or a larger kernel: the simulator makes some of those several times faster than these.
"""


def _convolutions(net: _Net) -> None:
    for taken, made, size, kernel in _CONVOLUTIONS:
        image = net.input(1, taken, size, size)
        net.output(net.node("Conv", image, net.weights(made, taken, kernel, kernel), pads=[kernel // 2] * 4))


def _elementwise(net: _Net) -> None:
    for channels, size in ((64, 56), (256, 28), (512, 14)):
        first, second = net.input(1, channels, size, size), net.input(1, channels, size, size)
        tensor = first
        for kind in ("Add", "Mul", "Sub", "Max", "Add"):
            tensor = net.node(kind, tensor, second)
        for kind in ("Abs", "Relu", "Neg", "Relu", "Sigmoid", "Abs"):
            tensor = net.node(kind, tensor)
        net.output(tensor)


def _fully_connected(net: _Net) -> None:
    tensor = net.input(1, 2048)
    for _ in range(4):
        tensor = net.node("Relu", net.node("Gemm", tensor, net.weights(2048, 2048)))
    net.output(tensor)


_NETWORKS: tuple[Callable[[_Net], None], ...] = (_convolutions, _elementwise, _fully_connected)


def dlcs(precision: Precision, folder: Path) -> list[Path]:
    """Build the networks in a format and return their DLCs. Raises BenchFailed."""
    return [_dlc(build, precision, folder / f"{number}") for number, build in enumerate(_NETWORKS)]


def _dlc(build: Callable[[_Net], None], precision: Precision, folder: Path) -> Path:
    folder.mkdir(parents=True)
    source = folder / "float.onnx"
    net = _Net()
    build(net)
    net.save(source)
    if precision is not Precision.FLOAT:
        quantising.quantise(source, folder / "whole.onnx", precision, attention=False)
        source = folder / "whole.onnx"
    return to_dlc(host_sdk(), source, folder)
