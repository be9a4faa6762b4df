"""Quantise networks by ONNX Runtime's own recipe for the HTP, with ranges from seeded random inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hostsdk.calibration import ranges_as_they_come
from hostsdk.native.folding import fold
from hostsdk.quantiser_log import errors_only
from qhas.truth.tables import Precision

RECIPE = 1
"""Version of the recipe: any change that alters a quantised network needs a new one."""
_SEED = 3
_SAMPLES = 2
_TOKENS = 30_000
_BIASED = frozenset({"Conv", "ConvTranspose", "Gemm"})
"""Nodes whose third input is a bias."""


@ranges_as_they_come()
@errors_only()  # the quantiser recommends a pre-processing step that changes nothing here
def quantise(source: Path, target: Path, precision: Precision, *, attention: bool) -> None:
    """Write the float network `source` with quantise/dequantise pairs; its inputs and outputs become integers.

    Weights have a scale per channel, except in networks with attention: there the HTP accepts only one per tensor.
    """
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize as write
    from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config

    wide = precision is Precision.W8A16
    source = _with_distinct_biases(_with_fixed_pads(source))
    recipe = get_qnn_qdq_config(
        source,
        _Samples(onnx.load(source).graph),
        activation_type=QuantType.QUInt16 if wide else QuantType.QUInt8,
        weight_type=QuantType.QUInt8 if attention else QuantType.QInt8,
        per_channel=not attention,
    )
    made = target.with_suffix(".qdq")
    write(source, made, recipe)
    model = onnx.load(made)
    _whole_numbers_outside(model.graph)
    onnx.save(model, target)
    made.unlink()


def _with_fixed_pads(source: Path) -> Path:
    """Fold pads that a network computes from its input's shape, which the quantiser would turn into 8 bits.

    Other networks stay as they are.
    """
    import onnx

    graph = onnx.load(source).graph
    constant = {each.name for each in graph.initializer}
    constant |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    if not any(node.op_type == "Pad" and node.input[1] not in constant for node in graph.node):
        return source
    return fold(source, source.with_suffix(".folded"))


def _with_distinct_biases(source: Path) -> Path:
    """Rename shared biases whose copies would clash with other tensors.

    The quantiser gives each node its own copy of a shared bias, named by appending a number to the bias's name. If a
    different tensor already has that name (12 and 120), the network would read the wrong one.
    """
    import onnx

    model = onnx.load(source)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    names = weights.keys() | {name for node in graph.node for name in node.output}
    uses = Counter(node.input[2] for node in graph.node if node.op_type in _BIASED and len(node.input) > 2)
    clashing = [
        bias
        for bias, count in uses.items()
        if count > 1 and bias in weights and any(_numbered(bias, name) for name in names)
    ]
    if not clashing:
        return source
    for bias in clashing:
        _replace(graph, bias, f"bias_{bias}_of")
        weights[bias].name = f"bias_{bias}_of"
    made = source.with_suffix(".named")
    onnx.save(model, made)
    return made


def _numbered(name: str, other: str) -> bool:
    return other.startswith(name) and other.removeprefix(name).isdecimal()


class _Samples:
    """The samples, as the CalibrationDataReader that the quantiser expects."""

    def __init__(self, graph: Any) -> None:
        random = np.random.default_rng(_SEED)
        self._batches: Iterator[dict[str, NDArray[Any]]] = iter(
            [{value.name: _sample(random, value) for value in graph.input} for _ in range(_SAMPLES)]
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._batches, None)


def _sample(random: np.random.Generator, value: Any) -> NDArray[Any]:
    shape = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    if value.type.tensor_type.elem_type == 1:
        return random.random(shape, dtype=np.float32)
    if value.name == "mask":
        return np.ones(shape, np.int32)
    return random.integers(1, _TOKENS, shape, dtype=np.int32) if len(shape) > 1 else np.ones(shape, np.int32)


def _whole_numbers_outside(graph: Any) -> None:
    """Remove the first quantisation of each input and the last dequantisation of each output."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for value in graph.input:
        users = [node for node in graph.node if value.name in node.input]
        if len(users) == 1 and users[0].op_type == "QuantizeLinear":
            _replace(graph, users[0].output[0], value.name)
            value.type.tensor_type.elem_type = constants[users[0].input[2]].data_type
            graph.node.remove(users[0])
    for value in graph.output:
        makers = [node for node in graph.node if value.name in node.output]
        if len(makers) == 1 and makers[0].op_type == "DequantizeLinear":
            graph.node.remove(makers[0])
            value.type.tensor_type.elem_type = constants[makers[0].input[2]].data_type
            _replace(graph, makers[0].input[0], value.name)


def _replace(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
