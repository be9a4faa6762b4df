"""Parts of a graph that hang together, those first that took most of a change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from qhas.diff.model import CellDiff
from qhas.network.network import Graph

Part = frozenset[int]
"""Ops of a graph, by their numbers in it."""


def gains(graph: Graph, diff: CellDiff) -> dict[int, float]:
    """By op, what it adds to the change in cycles of the dominant path: above 0 where it goes the way of the whole.

    What no op of the network took is of the ops at the border: inputs are read for those that take them.
    """
    sign = 1.0 if (diff.time.change or 0) > 0 else -1.0
    named = {op.name: sign * (op.dominant.change or 0.0) for op in diff.ops if op.of_network}
    return {number: named.get(op.name, 0.0) for number, op in enumerate(graph.ops)}


def windows(graph: Graph, gained: Mapping[int, float], size: int, most: int) -> list[Part]:
    """At most `most` parts of `size` ops, grown from the ops that gained most by the neighbour that gained most."""
    beside = _neighbours(graph)
    seeds = sorted(gained, key=lambda number: -gained[number])
    grown = dict.fromkeys(_grown(seed, beside, gained, size) for seed in seeds[: 4 * most])
    return sorted(grown, key=lambda part: -sum(gained[number] for number in part))[:most]


def without_a_piece(part: Part, length: int) -> Iterator[Part]:
    """The part less each of its pieces of so many ops in a row."""
    order = sorted(part)
    for start in range(0, len(order), length):
        if rest := part - frozenset(order[start : start + length]):
            yield rest


def _grown(seed: int, beside: Mapping[int, set[int]], gained: Mapping[int, float], size: int) -> Part:
    part = {seed}
    while len(part) < size:
        edge = {each for number in part for each in beside[number]} - part
        if not edge:
            break
        part.add(max(edge, key=lambda number: (gained[number], -number)))
    return frozenset(part)


def _neighbours(graph: Graph) -> Mapping[int, set[int]]:
    """Ops that hand a tensor to one another."""
    maker = {name: number for number, op in enumerate(graph.ops) for name in op.outputs}
    beside: dict[int, set[int]] = defaultdict(set)
    for number, op in enumerate(graph.ops):
        for other in _makers(op.inputs, maker):
            beside[number].add(other)
            beside[other].add(number)
    return beside


def _makers(names: Iterable[str], maker: Mapping[str, int]) -> Iterator[int]:
    return (maker[name] for name in names if name in maker)
