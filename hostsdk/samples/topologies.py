"""Topologies from the onnx wheel's light models, which create their larger weights with ConstantOfShape."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

NETWORKS = ("inception_v1", "inception_v2", "resnet50", "squeezenet", "shufflenet", "densenet121")
INPUT_SHAPE = (1, 3, 224, 224)
_OPSET = 17
_IR_VERSION = 8


class Role(Enum):
    """What a weight is for, which decides how it is drawn."""

    FILTER = auto()
    """Weights of a convolution or of a fully connected layer."""
    SCALE = auto()
    """Factors near one, of batch normalisation."""
    SHIFT = auto()
    """Offsets near zero, of batch normalisation."""
    BIAS = auto()
    """Biases of a convolution or of a fully connected layer."""
    MEAN = auto()
    """Means of batch normalisation."""
    VARIANCE = auto()
    """Variances of batch normalisation."""


_ROLES: dict[tuple[str, int], Role] = {
    ("Conv", 1): Role.FILTER,
    ("Conv", 2): Role.BIAS,
    ("Gemm", 1): Role.FILTER,
    ("Gemm", 2): Role.BIAS,
    ("BatchNormalization", 1): Role.SCALE,
    ("BatchNormalization", 2): Role.SHIFT,
    ("BatchNormalization", 3): Role.MEAN,
    ("BatchNormalization", 4): Role.VARIANCE,
}
"""The role of a weight by the operation that takes it, and as which of its inputs."""


@dataclass(frozen=True)
class Weight:
    """A weight to be drawn: `name` is its tensor in the graph."""

    name: str
    shape: tuple[int, ...]
    role: Role


def load(network: str) -> tuple[onnx.ModelProto, list[Weight]]:
    """Load the topology at opset 17 without its weights, and list the weights to be drawn, in graph order."""
    light = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{network}.onnx"
    model = version_converter.convert_version(_named(onnx.load(light)), _OPSET)
    graph = model.graph
    _drop_scale_layers(graph)
    _add_in_pairs(graph)
    used = {name for node in graph.node for name in node.input}
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    shapes = {
        node.output[0]: tuple(int(size) for size in constants[node.input[0]])
        for node in graph.node
        if node.op_type == "ConstantOfShape" and node.output[0] in used
    }
    shapes |= {name: value.shape for name, value in constants.items() if value.dtype == np.float32}
    takers = _takers(graph)
    weights = [Weight(name, shape, _role(takers, name)) for name, shape in shapes.items()]
    _replace(graph.node, [node for node in graph.node if node.op_type != "ConstantOfShape"])
    used = {name for node in graph.node for name in node.input}
    _replace(
        graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used - shapes.keys()]
    )
    del graph.value_info[:]
    return model, weights


def add_weights(model: onnx.ModelProto, values: dict[str, np.ndarray]) -> None:
    """Put `values` into the graph as initializers."""
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())


def _named(model: onnx.ModelProto) -> onnx.ModelProto:
    """Name every node after its output, and remove initializers from the inputs, as in later IR versions."""
    model.ir_version = _IR_VERSION
    for node in model.graph.node:
        node.name = node.output[0]
    constants = {tensor.name for tensor in model.graph.initializer}
    _replace(model.graph.input, [entry for entry in model.graph.input if entry.name not in constants])
    return model


def _drop_scale_layers(graph: onnx.GraphProto) -> None:
    """Remove Caffe's scale layers (Mul, Add) after batch normalisation, which has its own scale and shift."""
    replaced: dict[str, str] = {}
    kept = []
    normalised = {node.output[0] for node in graph.node if node.op_type == "BatchNormalization"}
    for node in graph.node:
        source = replaced.get(node.input[0], node.input[0]) if node.input else ""
        if node.op_type in ("Mul", "Add") and source in normalised:
            replaced[node.output[0]] = source
            continue
        for index, name in enumerate(node.input):
            node.input[index] = replaced.get(name, name)
        kept.append(node)
    used = {name for node in kept for name in node.input} | {entry.name for entry in graph.output}
    _replace(graph.node, [node for node in kept if used & set(node.output)])


def _add_in_pairs(graph: onnx.GraphProto) -> None:
    """Turn a Sum of two into an Add, which the quantiser knows; a Sum would stay in floating point."""
    for node in graph.node:
        if node.op_type == "Sum" and len(node.input) == 2:
            node.op_type = "Add"


def _takers(graph: onnx.GraphProto) -> dict[str, tuple[onnx.NodeProto, int]]:
    """Return, by tensor, the first node that takes it, and as which of its inputs."""
    takers: dict[str, tuple[onnx.NodeProto, int]] = {}
    for node in graph.node:
        for number, name in enumerate(node.input):
            takers.setdefault(name, (node, number))
    return takers


def _role(takers: dict[str, tuple[onnx.NodeProto, int]], name: str) -> Role:
    node, number = takers[name]
    return _role(takers, node.output[0]) if node.op_type == "Reshape" else _ROLES[node.op_type, number]


def _replace(field: Any, items: list[Any]) -> None:
    del field[:]
    field.extend(items)
