"""How fast ops work: what their node has to do, divided by the cycles its ops are at work on an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from qhas.estimate.model import OpEstimate
from qhas.network.network import Graph, NetworkOp
from qhas.network.work import macs, touched_bytes
from qhas.truth.tables import Precision

HMX, HVX = "HMX", "HVX"
_ZEROS = "hnnx::BlockZapOp"
"""Fills the padding of a tensor, which is not work of the node."""
_MOST_BYTES = 3 * 128
"""Bytes per cycle and thread: an HVX packet reads at most two vectors and writes one. More was not this op's work."""
_FUSED = 3
"""Most nodes that can be one HTP op named after the last of them: a convolution and those after it."""


class Rate(NamedTuple):
    """Work of a node on one engine. `cycles` are over all threads, `busy` those in which at least one works."""

    unit: str
    precision: Precision
    work: int
    """Multiply-accumulates on HMX, bytes on HVX."""
    cycles: int
    busy: int


def rates(graph: Graph, ops: Sequence[OpEstimate]) -> dict[tuple[str, str], Rate]:
    """Return the rates by node and engine, as far as the work is known."""
    by_engine: dict[tuple[str, str], list[OpEstimate]] = defaultdict(list)
    for op in ops:
        if op.unit in (HMX, HVX) and op.htp_op != _ZEROS and op.busy:
            by_engine[op.node, op.unit].append(op)
    nodes = {node.name: node for node in graph.ops}
    matrix = {name for name, unit in by_engine if unit == HMX}
    by_unit = {}
    for (name, unit), rows in by_engine.items():
        node, precision = nodes.get(name), precision_of(rows[0])
        if node is None or precision is None:
            continue
        if unit == HMX:
            work = _fused_macs(graph, node, matrix)
        else:
            work = 0 if name in matrix else touched_bytes(graph, node)
        if work:
            cycles, busy = sum(op.cycles for op in rows), sum(op.busy for op in rows)
            if unit == HMX or work <= _MOST_BYTES * cycles:
                by_unit[name, unit] = Rate(unit, precision, work, cycles, busy)
    return by_unit


def precision_of(op: OpEstimate) -> Precision | None:
    """Return the precision of an op's output; None for integers and booleans."""
    if op.dtype.startswith("Float"):
        return Precision.FLOAT
    if op.dtype.endswith("Int16") and op.dtype.startswith("Q"):
        return Precision.W8A16
    return Precision.W8A8 if op.dtype.endswith("Int8") and op.dtype.startswith("Q") else None


def _fused_macs(graph: Graph, node: NetworkOp, matrix: set[str]) -> int:
    """Return the MACs of the node, or of the nearest one before it that was fused into it (without HMX ops itself)."""
    makers = {output: op for op in graph.ops for output in op.outputs}
    current: NetworkOp | None = node
    for _ in range(_FUSED):
        if current is None or (current is not node and current.name in matrix):
            return 0
        if work := macs(graph, current):
            return work
        current = makers.get(current.inputs[0]) if current.inputs else None
    return 0
