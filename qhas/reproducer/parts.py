"""Connected parts of a graph, those that took most of a change first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from qhas.diff.model import CellDiff
from qhas.network.network import Graph

Part = frozenset[int]
"""Ops of a graph, given by their numbers in it."""


def gains(graph: Graph, diff: CellDiff) -> dict[int, float]:
    """Return what each op adds to the change in dominant-path cycles: above 0 in the direction of the whole.

    An op that the comparison does not list gains 0; what inputs and outputs took is left out.
    """
    sign = 1.0 if (diff.time.change or 0) > 0 else -1.0
    named = {op.name: sign * (op.dominant.change or 0.0) for op in diff.ops if op.of_network}
    return {number: named.get(op.name, 0.0) for number, op in enumerate(graph.ops)}


def windows(graph: Graph, gained: Mapping[int, float], size: int, most: int) -> list[Part]:
    """Return at most `most` parts of up to `size` ops.

    Each grows from one of the ops that gained most, every time by the neighbour that gained most.
    """
    beside = _neighbours(graph)
    seeds = sorted(gained, key=lambda number: -gained[number])
    grown = dict.fromkeys(_grown(seed, beside, gained, size) for seed in seeds[: 4 * most])
    return sorted(grown, key=lambda part: -sum(gained[number] for number in part))[:most]


def without_a_piece(part: Part, length: int) -> Iterator[Part]:
    """Yield the part without each of its pieces of `length` consecutive ops in turn."""
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
    """Return each op's neighbours: those that it passes a tensor to or gets one from."""
    maker = {name: number for number, op in enumerate(graph.ops) for name in op.outputs}
    beside: dict[int, set[int]] = defaultdict(set)
    for number, op in enumerate(graph.ops):
        for other in _makers(op.inputs, maker):
            beside[number].add(other)
            beside[other].add(number)
    return beside


def _makers(names: Iterable[str], maker: Mapping[str, int]) -> Iterator[int]:
    return (maker[name] for name in names if name in maker)
