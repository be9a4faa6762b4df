"""An inference by where its ops come from: a row a node of the ONNX, or a module of the program that wrote it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qhas.profile.op_names import of_network
from qhas.report.op_row import OpRow
from qhas.source.level import Level

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

    @property
    def known_percent(self) -> float:
        """Share of the dominant path's cycles that the rows have."""
        return self.share(self.rows)

    def share(self, rows: Iterable[SourceRow | OpRow]) -> float:
        """Share of the dominant path's cycles, in percent."""
        return 100 * sum(row.dominant for row in rows) / self.dominant if self.dominant else 0.0


def by_source(ops: Iterable[OpRow], level: Level, depth: int | None = None) -> BySource:
    """The ops of an inference by node or by module; of modules, those whose paths begin with the same `depth` names in one row."""
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
    )


def _name(op: OpRow, level: Level, depth: int | None) -> str | None:
    if level is Level.NODE:
        return op.node or None
    if op.module is None:
        return None
    return ".".join(op.module.split(".")[:depth]) or ROOT


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
