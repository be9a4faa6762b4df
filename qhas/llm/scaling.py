"""Scaling from one block and several to all blocks: what a further one adds is separated from fixed costs."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

from qhas.estimate.model import Estimate, GraphEstimate
from qhas.llm.model import NOTHING, ONLY_ENDS
from qhas.profile.language import Share

_PLACE = re.compile(r"b\d+_([a-z]+)_")
"""The prefix of a block's node names; its group says which part of the block the node belongs to."""
_PARTS = {
    "norm": "normalisation",
    "q": "query, key, value",
    "k": "query, key, value",
    "v": "query, key, value",
    "heads": "heads and rotation",
    "rotary": "heads and rotation",
    "keys": "cache",
    "values": "cache",
    "cache": "cache",
    "scores": "scores",
    "softmax": "softmax",
    "mix": "values by shares",
    "out": "projection out",
    "gate": "gate",
    "up": "up",
    "activation": "activation",
    "down": "down",
    "residual": "residual",
}


class Cost(NamedTuple):
    """What a graph costs; every field adds up over graphs."""

    time_us: float
    dram_read: float
    dram_write: float
    spill: float
    context_bytes: float

    def plus(self, other: Cost, times: float = 1.0) -> Cost:
        """Return this cost plus the other one `times` times."""
        return Cost(*(mine + times * its for mine, its in zip(self, other, strict=True)))


class Scaled(NamedTuple):
    """The cost of all blocks of a model, of one of them, and of their graph without any."""

    whole: Cost
    block: Cost
    constant: Cost


def cost_of(estimate: Estimate) -> Cost:
    """Return the cost of a compiled graph."""
    graph = estimate.graphs[0]
    return Cost(graph.time_us, graph.dram_read, graph.dram_write, graph.spill or 0, graph.context_bytes)


def scaled(one: Cost, several: Cost, count: int, layers: int) -> Scaled:
    """Scale to all layers from the costs of one block and of `count` of them."""
    block = one if count == 1 else Cost(*(value / (count - 1) for value in several.plus(one, -1)))
    constant = one.plus(block, -1)
    return Scaled(constant.plus(block, layers), block, constant)


def shares(graph: GraphEstimate) -> list[Share]:
    """Return each block part's share of the time of a graph of blocks, largest first."""
    cycles: dict[str, int] = defaultdict(int)
    for op in graph.ops or ():
        cycles[_part(op.node) if op.htp_op else NOTHING] += op.dominant
    unsorted = [Share(part=part, percent=100 * own / graph.cycles) for part, own in cycles.items()]
    return sorted(unsorted, key=lambda share: -share.percent)


def _part(node: str) -> str:
    place = _PLACE.match(node)
    return _PARTS.get(place[1], ONLY_ENDS) if place else ONLY_ENDS
