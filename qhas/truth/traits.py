"""What of a network decides how far the simulator is from a device: its number format, its class, and ops it errs on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.network.network import Graph, Network, Role, Tensor
from qhas.truth.tables import NetworkClass, Precision

_MOVES = {"Quantize", "Dequantize", "Convert", "Cast", "Transpose", "Reshape"}
"""Ops that only carry a tensor into another form: they decide nothing about the format of the network."""
_MOST = 0.9
"""Share of ops that must have a format for the network to be called by it."""


class Traits(Stored):
    """Facts of a network, of all graphs of its DLC; none of them is a figure of a run."""

    model_config = ConfigDict(frozen=True)

    precision: Precision | None = None
    """None for a mixture, and for formats that nobody measured."""
    kind: NetworkClass = NetworkClass.CONVOLUTIONAL
    tokens: int = 0
    """The longest row or column of an attention matrix; 0 without attention."""
    prelus: int = 0
    lstms: int = 0
    input_elements: int = 0
    """Values of the largest input."""


def traits_of(network: Network) -> Traits:
    """The traits of a network as its DLC states it."""
    ops = [op for graph in network.graphs for op in graph.ops]
    types = Counter(op.type for op in ops)
    tokens = max((size for graph in network.graphs for size in _attention(graph)), default=0)
    return Traits(
        precision=_precision(network),
        kind=NetworkClass.ATTENTION if tokens or types["LayerNorm"] else NetworkClass.CONVOLUTIONAL,
        tokens=tokens,
        prelus=types["Prelu"],
        lstms=types["Lstm"],
        input_elements=max(
            (prod(tensor.shape) for tensor in _tensors(network) if tensor.role is Role.INPUT), default=0
        ),
    )


def _attention(graph: Graph) -> Iterator[int]:
    """The larger side of what each softmax between two products of matrices is taken of."""
    if not any(op.type == "MatMul" for op in graph.ops):
        return
    for op in graph.ops:
        shapes = [graph.by_name[name].shape for name in op.inputs if name in graph.by_name]
        if op.type == "Softmax" and shapes and len(shapes[0]) >= 3:
            yield max(shapes[0][-2:])


def _precision(network: Network) -> Precision | None:
    formats = Counter(_outputs(network))
    (most, count) = formats.most_common(1)[0] if formats else (None, 0)
    four_bits = any(tensor.weights and tensor.dtype.endswith("Fixed4") for tensor in _tensors(network))
    return most if count >= _MOST * formats.total() and not four_bits else None


def _outputs(network: Network) -> Iterator[Precision]:
    """The format of what each op computes; 32-bit floats are 16-bit ones on the HTP."""
    for graph in network.graphs:
        for op in graph.ops:
            if op.type in _MOVES:
                continue
            for name in op.outputs:
                tensor = graph.by_name.get(name)
                if tensor and tensor.dtype.startswith("Float"):
                    yield Precision.FLOAT
                elif tensor and tensor.dtype.endswith(("Fixed8", "Fixed16")):
                    yield Precision.W8A8 if tensor.dtype.endswith("8") else Precision.W8A16


def _tensors(network: Network) -> Iterator[Tensor]:
    return (tensor for graph in network.graphs for tensor in graph.tensors)
