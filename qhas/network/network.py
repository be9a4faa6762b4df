"""A network's ops and tensors, small enough to be stored with every cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property

from pydantic import ConfigDict, ValidationError

from qhas.documents import Stored
from qhas.machine.digest import data_digest
from qhas.outside_bytes import unpack

_LARGEST = 64 << 20
"""Size limit in bytes of a stored network, unpacked: ten thousand ops take 6 MB."""
Attribute = bool | int | float | str | list[int] | list[float]


class Role(StrEnum):
    """The role of a tensor that the application sees."""

    INPUT = "input"
    OUTPUT = "output"


class Tensor(Stored):
    """A tensor of a graph. `weights` is the digest of its content if the DLC holds it, which makes it a constant."""

    model_config = ConfigDict(frozen=True)

    name: str
    shape: tuple[int, ...]
    dtype: str
    """The vendor's data type, written as in `UFixed8` or `Float32`."""
    encoding: str | None = None
    """For a quantised tensor: bits, scale and offset, or a digest of those of its channels."""
    weights: str | None = None
    role: Role | None = None


class NetworkOp(Stored):
    """An op of the network; its tensors are given by name."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute] = {}


class Graph(Stored):
    """A graph of a DLC: its ops in order, and its tensors."""

    model_config = ConfigDict(frozen=True)

    name: str
    ops: tuple[NetworkOp, ...]
    tensors: tuple[Tensor, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Tensor]:
        """The tensors by name."""
        return {tensor.name: tensor for tensor in self.tensors}


class Network(Stored):
    """What a DLC says about its network, except timestamps and anything else that a second export would change."""

    model_config = ConfigDict(frozen=True)

    graphs: tuple[Graph, ...]
    exact: bool = False
    """Whether single real numbers among the attributes are correct; before this field was written, they were not."""

    @cached_property
    def digest(self) -> str:
        """A digest that depends on ops, shapes, data types, encodings and weights, but not on names."""
        return data_digest([list(_nameless(graph)) for graph in self.graphs])


def stored_network(content: bytes | None) -> Network | None:
    """Parse a network stored with a cell; None for a cell from before networks were stored, or if it is unreadable."""
    try:
        return Network.model_validate_json(unpack(content, _LARGEST)) if content else None
    except (OSError, EOFError, ValidationError):
        return None


def alike_read(*networks: Network) -> tuple[Network, ...]:
    """Return the networks, without the attributes that are correct in only some of them."""
    if len({network.exact for network in networks}) == 1:
        return networks
    return tuple(_without_reals(network) for network in networks)


def _without_reals(network: Network) -> Network:
    graphs = (
        Graph(name=graph.name, ops=tuple(map(_without_real, graph.ops)), tensors=graph.tensors)
        for graph in network.graphs
    )
    return Network(graphs=tuple(graphs), exact=network.exact)


def _without_real(op: NetworkOp) -> NetworkOp:
    kept = {name: value for name, value in op.attributes.items() if not isinstance(value, float)}
    return op.model_copy(update={"attributes": kept})


def _nameless(graph: Graph) -> Iterator[object]:
    """Yield each op with its tensors numbered, since names are the exporter's."""
    numbers: dict[str, int] = {}
    for op in graph.ops:
        yield [op.type, op.attributes]
        for name in (*op.inputs, *op.outputs):
            known = name in numbers
            number = numbers.setdefault(name, len(numbers))
            tensor = graph.by_name.get(name)
            yield number if known or tensor is None else [number, tensor.model_dump(exclude={"name"})]
