"""An inference by the origin of its ops: a row per node of the ONNX, or per module of the program that wrote the ONNX."""

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
"""The name shown for the module whose path is empty."""


@dataclass(frozen=True)
class SourceRow:
    """A node or a module, with the totals of its ops.

    `percent` and `dominant` (in cycles) are of the dominant path, which is time; `cycles` are summed over all
    threads, which is work; `dram` is in bytes.
    """

    name: str
    percent: float
    dominant: int
    cycles: int
    dram: int
    us: float | None
    ops: int
    module: str | None
    source: str
    """File and line, if all of its ops come from the same one; else empty."""


@dataclass(frozen=True)
class TransferRow:
    """An input or an output of the network.

    `dominant` is the number of cycles of the dominant path spent on moving it, `name` the node or module that reads
    or produces it.
    """

    role: str
    tensors: Sequence[str]
    """Several if it may be any one of these; empty if nothing is known of it."""
    dominant: int
    name: str | None

    def __str__(self) -> str:
        tensors = " or ".join(self.tensors) or "of unknown name"
        word = "for" if self.role == Role.INPUT else "of"
        return f"{self.role} {tensors}" + (f" {word} {self.name}" if self.name else "")


class Shares(NamedTuple):
    """Shares of the dominant path, in percent to one decimal; they add up to 100."""

    known: float
    """Ops at nodes, or in modules."""
    transfers: float
    """Moving the network's inputs and outputs."""
    unmapped: float


@dataclass(frozen=True)
class BySource:
    """Rows by share, the largest first, and the ops that belong to no row, which are listed one by one."""

    level: Level
    rows: Sequence[SourceRow]
    unknown: Sequence[OpRow]
    """Ops of the network, and of the compiler, whose node or module is not known."""
    ends: Sequence[OpRow]
    """Ops that the compiler added for itself, mainly the network's inputs and outputs: these are not nodes."""
    dominant: int
    """Cycles of all ops on the dominant path."""
    transfers: Sequence[TransferRow] = ()
    """The network's inputs and outputs one by one, as far as the ops in `ends` can be attributed to them."""

    @property
    def compilers(self) -> Sequence[OpRow]:
        """The ops in `ends` that do not move an input or an output."""
        return [op for op in self.ends if op.type not in BORDER]

    @property
    def shares(self) -> Shares:
        """The shares of ops with a node or a module, of ops that move inputs and outputs, and of the remaining ops."""
        moving = [op for op in self.ends if op.type in BORDER]
        parts = (self.rows, moving, [*self.unknown, *self.compilers])
        return Shares(*shares([sum(row.dominant for row in part) for part in parts]))

    @property
    def summary(self) -> str:
        """The three shares as part of a sentence."""
        known, moved, unmapped = map(percent, self.shares)
        place = "at nodes" if self.level is Level.NODE else "in modules"
        return f"of the dominant path {known} {place}, {moved} at inputs and outputs, {unmapped} not mapped"

    @property
    def others(self) -> Sequence[tuple[str, Sequence[tuple[str, OpRow | TransferRow]]]]:
        """Everything that has no row, grouped by what it is, each entry with its name."""
        return [
            ("Inputs and outputs", [(str(row), row) for row in self.transfers]),
            (f"Without a known {self.level}", [(op.name, op) for op in self.unknown]),
            ("The compiler's own", [(op.name, op) for op in self.compilers]),
        ]

    @property
    def known_percent(self) -> float:
        """The share of the dominant path's cycles that the rows account for, in percent."""
        return self.share(self.rows)

    def share(self, rows: Iterable[SourceRow | TransferRow | OpRow]) -> float:
        """Return these rows' share of the dominant path's cycles, in percent."""
        return 100 * sum(row.dominant for row in rows) / self.dominant if self.dominant else 0.0


def by_source(
    ops: Iterable[OpRow],
    level: Level,
    depth: int | None = None,
    moved: Iterable[Transfer] = (),
    sources: SourceMap | None = None,
) -> BySource:
    """Group the ops of an inference by node or by module.

    Modules whose paths begin with the same `depth` names share a row. `moved` are the inputs and outputs of the
    inference; `sources` names the nodes that read and produce them.
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
