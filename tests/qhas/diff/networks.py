"""Small networks as read from their DLCs: chains of ops, with weights and names that the test chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qhas.network.network import Attribute, Graph, Network, NetworkOp, Role, Tensor


@dataclass(frozen=True)
class Layer:
    """An op of a chain; equal `weights` mean equal contents."""

    name: str
    type: str = "Conv2d"
    weights: str | None = "w"
    attributes: dict[str, Attribute] = field(default_factory=lambda: {"dilation": [1, 1], "group": 1})
    shape: tuple[int, ...] = (1, 8, 8, 32)
    kernel: tuple[int, ...] = (3, 3, 32, 32)
    dtype: str = "UFixed8"
    encoding: str = "8 bit, scale 0.5, offset 0"


def convs(count: int, prefix: str = "/Conv_") -> list[Layer]:
    """Convolutions numbered as an exporter numbers them, each with weights of its own."""
    return [Layer(f"{prefix}{number}", weights=f"w{number}") for number in range(count)]


def network(layers: Sequence[Layer], *, image: tuple[int, ...] = (1, 8, 8, 32)) -> Network:
    """A chain of layers from the input `x`."""
    tensors = [Tensor(name="x", shape=image, dtype="Float32", role=Role.INPUT)]
    ops = []
    for layer in layers:
        inputs = [tensors[-1].name if tensors[-1].weights is None else ops[-1].outputs[0]]
        if layer.weights is not None:
            tensors.append(
                Tensor(name=f"{layer.name}.w", shape=layer.kernel, dtype="SFixed8", weights=layer.weights)
            )
            inputs.append(f"{layer.name}.w")
        out = f"{layer.name}.out"
        tensors.append(Tensor(name=out, shape=layer.shape, dtype=layer.dtype, encoding=layer.encoding))
        ops.append(
            NetworkOp(
                name=layer.name,
                type=layer.type,
                inputs=tuple(inputs),
                outputs=(out,),
                attributes=layer.attributes,
            )
        )
    return Network(graphs=(Graph(name="g", ops=tuple(ops), tensors=tuple(tensors)),))
