"""Alignment of the ops of two DLCs' networks: by structure, with names as a hint.

Exporters number their names (`/Conv_3`), so inserting one op renames all those behind it. What an op is, where it is
located and which weights it holds do not change with that: ops are paired by these, the strictest likeness first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from qhas.diff.matching import Match, placed
from qhas.machine.digest import data_digest
from qhas.network.network import Graph, Network, NetworkOp, Tensor
from qhas.profile.op_names import lasting_name


@dataclass(frozen=True)
class Node:
    """An op among its neighbours. `sources` number the ops that produce its inputs; None is a graph input."""

    op: NetworkOp
    inputs: tuple[Tensor, ...]
    """Without constants."""
    constants: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    sources: tuple[int | None, ...]

    @property
    def name(self) -> str:
        """The op's name, in the DLC and in profiles."""
        return self.op.name

    @property
    def type(self) -> str:
        """The op's type."""
        return self.op.type


Likeness = Callable[[Node], object]


def nodes_of(network: Network) -> list[Node]:
    """Return the ops of all graphs, in order."""
    nodes: list[Node] = []
    for graph in network.graphs:
        nodes += _nodes(graph, len(nodes))
    return nodes


def _nodes(graph: Graph, first: int) -> Iterator[Node]:
    makers = {name: first + place for place, op in enumerate(graph.ops) for name in op.outputs}
    for op in graph.ops:
        read = [graph.by_name[name] for name in op.inputs if name in graph.by_name]
        inputs = tuple(tensor for tensor in read if tensor.weights is None)
        yield Node(
            op=op,
            inputs=inputs,
            constants=tuple(tensor for tensor in read if tensor.weights is not None),
            outputs=tuple(graph.by_name[name] for name in op.outputs if name in graph.by_name),
            sources=tuple(makers.get(tensor.name) for tensor in inputs),
        )


def align(before: Sequence[Node], after: Sequence[Node]) -> list[Match[Node]]:
    """Put every op of both sides into exactly one match."""
    pairs = _Pairs(before, after)
    for key in _keys(before, after):
        pairs.add(*key)
    return list(placed(before, after, pairs.sorted()))


Keys = Sequence[Hashable]


def _keys(before: Sequence[Node], after: Sequence[Node]) -> Iterator[tuple[Keys, Keys]]:
    """Yield the keys of both sides' ops, the strictest kind first: `_Pairs.add` pairs ops that share a key."""
    exact, shaped, typed = (_Likenesses(before, after, like) for like in (_exact, _shaped, _typed))
    yield exact.around
    yield exact.from_inputs
    yield exact.to_outputs
    yield _of_each(before, after, _weights)
    yield shaped.around
    yield _named(before, after, shaped)
    yield shaped.from_inputs
    yield shaped.to_outputs
    yield _named(before, after, typed)
    yield typed.around
    yield typed.from_inputs
    yield typed.to_outputs
    yield _of_each(before, after, lambda node: (lasting_name(node.name), node.type))
    yield _of_each(before, after, lambda node: lasting_name(node.name))


def _exact(node: Node) -> object:
    tensors = (*node.inputs, *node.constants, *node.outputs)
    return [node.type, node.op.attributes, [tensor.model_dump(exclude={"name"}) for tensor in tensors]]


def _shaped(node: Node) -> object:
    tensors = (*node.inputs, *node.constants, *node.outputs)
    return [node.type, node.op.attributes, [[tensor.shape, tensor.dtype] for tensor in tensors]]


def _typed(node: Node) -> object:
    return [node.type, node.op.attributes]


def _weights(node: Node) -> Hashable | None:
    """Return type and weights; None for an op without any, or with only vectors, which others may share."""
    large = [tensor.weights for tensor in node.constants if len(tensor.shape) > 1]
    return (node.type, *large) if large else None


def _of_each(
    before: Sequence[Node], after: Sequence[Node], key: Callable[[Node], Hashable]
) -> tuple[Keys, Keys]:
    return [key(node) for node in before], [key(node) for node in after]


def _named(before: Sequence[Node], after: Sequence[Node], like: _Likenesses) -> tuple[Keys, Keys]:
    return (
        [(lasting_name(node.name), own) for node, own in zip(before, like.own[0], strict=True)],
        [(lasting_name(node.name), own) for node, own in zip(after, like.own[1], strict=True)],
    )


class _Likenesses:
    """Digests of both sides' ops by one likeness: each op alone, with all before it, with all behind it."""

    def __init__(self, before: Sequence[Node], after: Sequence[Node], like: Likeness) -> None:
        self._sides = (before, after)
        self.own = ([data_digest(like(node)) for node in before], [data_digest(like(node)) for node in after])

    @cached_property
    def from_inputs(self) -> tuple[list[str], list[str]]:
        """The digests of each op together with all ops that lead to it."""
        return self._each(_with_sources)

    @cached_property
    def to_outputs(self) -> tuple[list[str], list[str]]:
        """The digests of each op together with all ops that depend on it."""
        return self._each(_with_readers)

    @property
    def around(self) -> tuple[Keys, Keys]:
        """The digests of each op in both directions."""
        first, second = (
            list(zip(*sides, strict=True)) for sides in zip(self.from_inputs, self.to_outputs, strict=True)
        )
        return first, second

    def _each(
        self, digests: Callable[[Sequence[Node], Sequence[str]], list[str]]
    ) -> tuple[list[str], list[str]]:
        return digests(self._sides[0], self.own[0]), digests(self._sides[1], self.own[1])


def _with_sources(nodes: Sequence[Node], own: Sequence[str]) -> list[str]:
    """Digest each op with all before it, in one pass: a DLC lists ops after those they read."""
    digests: list[str] = []
    for node, digest in zip(nodes, own, strict=True):
        sources = [
            None if source is None or source >= len(digests) else digests[source] for source in node.sources
        ]
        digests.append(data_digest([digest, sources]))
    return digests


def _with_readers(nodes: Sequence[Node], own: Sequence[str]) -> list[str]:
    readers: dict[int, list[tuple[str, int]]] = defaultdict(list)
    digests = [""] * len(nodes)
    for place in range(len(nodes) - 1, -1, -1):
        digests[place] = data_digest([own[place], sorted(readers[place])])
        for slot, source in enumerate(nodes[place].sources):
            if source is not None:
                readers[source].append((digests[place], slot))
    return digests


class _Pairs:
    """The ops found to be the same so far, and those still without a partner."""

    def __init__(self, before: Sequence[Node], after: Sequence[Node]) -> None:
        self._free = (set(range(len(before))), set(range(len(after))))
        self._found: dict[int, int] = {}

    def add(self, before: Keys, after: Keys) -> None:
        """Pair the remaining ops that share a key, in order, if both sides have equally many of them."""
        left, right = (_groups(keys, free) for keys, free in zip((before, after), self._free, strict=True))
        for key in left.keys() & right.keys():
            if key is not None and len(left[key]) == len(right[key]):
                self._found.update(zip(left[key], right[key], strict=True))
                self._free[0].difference_update(left[key])
                self._free[1].difference_update(right[key])

    def sorted(self) -> dict[int, int]:
        """Return the pairs in the order of the ops before."""
        return dict(sorted(self._found.items()))


def _groups(keys: Keys, free: Iterable[int]) -> dict[Hashable, list[int]]:
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for place in sorted(free):
        groups[keys[place]].append(place)
    return groups
