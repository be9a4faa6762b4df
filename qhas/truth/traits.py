"""The traits of a network that decide how far the simulator is off: number format, class, and ops it errs on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.network.network import Graph, Network, NetworkOp, Role, Tensor
from qhas.network.work import macs
from qhas.truth.tables import NetworkClass, Precision

_MOVES = {"Quantize", "Dequantize", "Convert", "Cast", "Transpose", "Reshape"}
"""Ops that only convert a tensor to another form: they do not determine the format of the network."""
_MOST = 0.9
"""The share of ops, and of multiply-accumulates, that must have a format for it to count as the network's."""


class Traits(Stored):
    """Facts about a network, over all graphs of its DLC; none of them is a figure of a run."""

    model_config = ConfigDict(frozen=True)

    precision: Precision | None = None
    """None for a mixture, and for formats that no network was measured in."""
    kind: NetworkClass = NetworkClass.CONVOLUTIONAL
    tokens: int = 0
    """The longest row or column of an attention matrix; 0 without attention."""
    prelus: int = 0
    lstms: int = 0
    input_elements: int = 0
    """The number of values in the largest input."""


def traits_of(network: Network) -> Traits:
    """Return the traits of a network as its DLC describes it."""
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
    """Yield the longer side of each softmax's matrix, in a graph that multiplies matrices."""
    if not any(op.type == "MatMul" for op in graph.ops):
        return
    for op in graph.ops:
        shapes = [graph.by_name[name].shape for name in op.inputs if name in graph.by_name]
        if op.type == "Softmax" and shapes and len(shapes[0]) >= 3:
            yield max(shapes[0][-2:])


def _precision(network: Network) -> Precision | None:
    ops, work = Counter[Precision](), Counter[Precision]()
    for graph in network.graphs:
        for op in graph.ops:
            if op.type not in _MOVES and (precision := _format(graph, op)):
                ops[precision] += 1
                work[precision] += macs(graph, op)
    if not ops or any(tensor.weights and tensor.dtype.endswith("Fixed4") for tensor in _tensors(network)):
        return None
    ((most, _),) = ops.most_common(1)
    return most if all(each[most] >= _MOST * each.total() for each in (ops, work)) else None


def _format(graph: Graph, op: NetworkOp) -> Precision | None:
    """Return the format an op computes in: 16 bits if any activation has them; 32-bit floats are 16-bit on the HTP."""
    outputs, taken = (_activations(graph, names) for names in (op.outputs, op.inputs))
    if any(kind.startswith("Float") for kind in outputs):
        return Precision.FLOAT
    if not any(kind.endswith(("Fixed8", "Fixed16")) for kind in outputs):
        return None
    return Precision.W8A16 if any(kind.endswith("Fixed16") for kind in outputs + taken) else Precision.W8A8


def _activations(graph: Graph, names: Sequence[str]) -> list[str]:
    """Return the data types of the tensors that are not constants."""
    tensors = [graph.by_name[name] for name in names if name in graph.by_name]
    return [tensor.dtype for tensor in tensors if not tensor.weights]


def _tensors(network: Network) -> Iterator[Tensor]:
    return (tensor for graph in network.graphs for tensor in graph.tensors)
