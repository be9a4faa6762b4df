"""The network as a page draws it: a line per op in graph order, with lanes beside them for tensors that skip ops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qhas.network.network import Graph, Network, NetworkOp
from qhas.report.families import family_of
from qhas.report.op_row import OpRow
from qhas.units import size

MOST_OPS = 3000
"""The most lines drawn: nobody reads more, and a browser takes long to draw them."""
MOST_LANES = 24
"""The most lanes drawn: tensors that would be further to the right share the last one."""


@dataclass(frozen=True)
class Wiring:
    """The lanes of a line, counted from 0.

    `lane` is that of the line's op, `reads` those of the tensors the op reads, `passing` those of earlier tensors that
    are read further below, by this op too or not, and `goes_on` is whether the op's own lane continues below.
    """

    lane: int
    reads: tuple[int, ...]
    passing: tuple[int, ...]
    goes_on: bool


@dataclass(frozen=True)
class NetworkPicture:
    """Lines ready for JSON, and the number of ops in all, `unseen` of which have no figures of their own."""

    lines: list[dict[str, Any]]
    lanes: int
    total: int
    unseen: int
    most: float
    """The largest share of the dominant path, in percent."""


def picture_of(network: Network, rows: Sequence[OpRow]) -> NetworkPicture | None:
    """Draw a network of one graph with the figures of its ops; None for several graphs, or if no op has figures."""
    if len(network.graphs) != 1:
        return None
    (graph,), figures = network.graphs, {row.name: row for row in rows}
    if not any(op.name in figures for op in graph.ops):
        return None
    wires = wiring(graph)[:MOST_OPS]
    return NetworkPicture(
        lines=[_line(op, wire, figures.get(op.name)) for op, wire in zip(graph.ops, wires, strict=False)],
        lanes=1 + max(lane for wire in wires for lane in (wire.lane, *wire.reads, *wire.passing)),
        total=len(graph.ops),
        unseen=sum(op.name not in figures for op in graph.ops),
        most=max(figures[op.name].percent for op in graph.ops if op.name in figures),
    )


def wiring(graph: Graph) -> list[Wiring]:
    """Lay out the tensors between the ops: each op's result keeps the op's lane until its last reader."""
    made = {name: number for number, op in enumerate(graph.ops) for name in op.outputs}
    sources = [
        tuple(dict.fromkeys(made[name] for name in op.inputs if made.get(name, number) < number))
        for number, op in enumerate(graph.ops)
    ]
    last = {source: number for number, read in enumerate(sources) for source in read}
    lanes: dict[int, int] = {}
    """The lanes of ops whose results are still to be read."""
    drawn: list[Wiring] = []
    for number, read in enumerate(sources):
        ending = [lanes[source] for source in read if last[source] == number]
        passing = {lane for source, lane in lanes.items() if last[source] > number}
        reads = sorted({lanes[source] for source in read})
        lanes = {source: lane for source, lane in lanes.items() if last[source] > number}
        free = min(set(range(len(passing) + 1)) - passing)
        lane = min(min([*ending, free]), MOST_LANES - 1)
        if number in last:
            lanes[number] = lane
        drawn.append(Wiring(lane, tuple(reads), tuple(sorted(passing)), number in last))
    return drawn


def _line(op: NetworkOp, wire: Wiring, row: OpRow | None) -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": op.name,
        "type": op.type,
        "family": family_of(op.type).name,
        "wires": wire,
    }
    if row is None:
        return line
    return line | {
        "percent": round(row.percent, 3),
        "us": None if row.us is None else round(row.us, 2),
        "dram": size(row.dram),
        "shape": row.shape,
        "from": row.start,
        "to": row.end,
    }
