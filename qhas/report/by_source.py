"""An inference by where its ops come from: a row a node of the ONNX, or a module of the program that wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qhas.network.network import Role
from qhas.profile.op_names import of_network
from qhas.report.op_row import OpRow
from qhas.source.level import Level
from qhas.source.source_map import SourceMap
from qhas.source.transfers import BORDER, Transfer
from qhas.units import percent, shares

ROOT = "(root)"
"""What the module is called whose path is empty."""


@dataclass(frozen=True)
class SourceRow:
    """A node or a module, and what its ops take: percent and cycles of the dominant path, which is time, cycles on all threads, which is work, bytes of DRAM."""

    name: str
    percent: float
    dominant: int
    cycles: int
    dram: int
    us: float | None
    ops: int
    module: str | None
    source: str
    """File and line, where all of its ops are of one; else empty."""


@dataclass(frozen=True)
class TransferRow:
    """An input or an output of the network, cycles of the dominant path that it takes to move it, and the node or module that takes or makes it."""

    role: str
    tensors: Sequence[str]
    """Several where it is one of these; none where nothing is known of it."""
    dominant: int
    name: str | None

    def __str__(self) -> str:
        tensors = " or ".join(self.tensors) or "of no known name"
        word = "for" if self.role == Role.INPUT else "of"
        return f"{self.role} {tensors}" + (f" {word} {self.name}" if self.name else "")


class Shares(NamedTuple):
    """Of the dominant path, in percent to one decimal: they are 100 together."""

    known: float
    """At nodes, or in modules."""
    transfers: float
    """To move the network's inputs and outputs."""
    unmapped: float


@dataclass(frozen=True)
class BySource:
    """Rows by their share, the largest first, and the ops that are of none of them, which are listed one by one."""

    level: Level
    rows: Sequence[SourceRow]
    unknown: Sequence[OpRow]
    """Ops of the network, and of the compiler, whose node or module nothing shows."""
    ends: Sequence[OpRow]
    """What the compiler added for itself, above all inputs and outputs of the network: these are no nodes."""
    dominant: int
    """Cycles of all ops on the dominant path."""
    transfers: Sequence[TransferRow] = ()
    """Inputs and outputs of the network one by one, as far as `ends` can be told apart."""

    @property
    def compilers(self) -> Sequence[OpRow]:
        """What of the ends moves no input or output."""
        return [op for op in self.ends if op.type not in BORDER]

    @property
    def shares(self) -> Shares:
        """What has a node or a module, what moves inputs and outputs, and what is neither."""
        moving = [op for op in self.ends if op.type in BORDER]
        parts = (self.rows, moving, [*self.unknown, *self.compilers])
        return Shares(*shares([sum(row.dominant for row in part) for part in parts]))

    @property
    def summary(self) -> str:
        """The three as part of a sentence."""
        known, moved, unmapped = map(percent, self.shares)
        place = "at nodes" if self.level is Level.NODE else "in modules"
        return f"of the dominant path {known} {place}, {moved} at inputs and outputs, {unmapped} not mapped"

    @property
    def others(self) -> Sequence[tuple[str, Sequence[tuple[str, OpRow | TransferRow]]]]:
        """What the rows do not have, by what it is, each with its name."""
        return [
            ("Inputs and outputs", [(str(row), row) for row in self.transfers]),
            (f"Of no known {self.level}", [(op.name, op) for op in self.unknown]),
            ("The compiler's own", [(op.name, op) for op in self.compilers]),
        ]

    @property
    def known_percent(self) -> float:
        """Share of the dominant path's cycles that the rows have."""
        return self.share(self.rows)

    def share(self, rows: Iterable[SourceRow | TransferRow | OpRow]) -> float:
        """Share of the dominant path's cycles, in percent."""
        return 100 * sum(row.dominant for row in rows) / self.dominant if self.dominant else 0.0


def by_source(
    ops: Iterable[OpRow],
    level: Level,
    depth: int | None = None,
    moved: Iterable[Transfer] = (),
    sources: SourceMap | None = None,
) -> BySource:
    """The ops of an inference by node or by module; of modules, those whose paths begin with the same `depth` names in one row.

    `moved` are its inputs and outputs; `sources` names the nodes that take and make them.
    """
    groups: dict[str, list[OpRow]] = defaultdict(list)
    unknown, ends = list[OpRow](), list[OpRow]()
    for op in ops:
        if (name := _name(op, level, depth)) is not None:
            groups[name].append(op)
        else:
            (unknown if of_network(op.type) else ends).append(op)
    rows = [_row(name, members, level) for name, members in groups.items()]
    return BySource(
        level=level,
        rows=sorted(rows, key=lambda row: (-row.dominant, -row.cycles, row.name)),
        unknown=sorted(unknown, key=lambda op: (-op.dominant, op.name)),
        ends=sorted(ends, key=lambda op: (-op.dominant, op.name)),
        dominant=sum(op.dominant for group in (*groups.values(), unknown, ends) for op in group),
        transfers=[_transfer(transfer, level, depth, sources) for transfer in moved],
    )


def _name(op: OpRow, level: Level, depth: int | None) -> str | None:
    return (op.node or None) if level is Level.NODE else _shortened(op.module, depth)


def _shortened(module: str | None, depth: int | None) -> str | None:
    return None if module is None else ".".join(module.split(".")[:depth]) or ROOT


def _transfer(transfer: Transfer, level: Level, depth: int | None, sources: SourceMap | None) -> TransferRow:
    nodes = [node for op in transfer.ops if sources and (node := sources.node_of(op))]
    names = [node.name if level is Level.NODE else _shortened(node.module, depth) for node in nodes]
    name = next((name for name in names if name is not None), None)
    return TransferRow(transfer.role, transfer.tensors, transfer.dominant, name)


def _row(name: str, ops: Sequence[OpRow], level: Level) -> SourceRow:
    times = [op.us for op in ops if op.us is not None]
    sources = {op.source for op in ops}
    return SourceRow(
        name=name,
        percent=sum(op.percent for op in ops),
        dominant=sum(op.dominant for op in ops),
        cycles=sum(op.cycles for op in ops),
        dram=sum(op.dram for op in ops),
        us=sum(times) if times else None,
        ops=len(ops),
        module=ops[0].module if level is Level.NODE else name,
        source=sources.pop() if len(sources) == 1 else "",
    )
