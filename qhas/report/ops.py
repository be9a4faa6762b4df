"""The tables of a QHAS file that a page has room for.

Rows are ranked by their share of the dominant path, which is time; cycles are summed over parallel threads, which is
work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from qhas.profile.notes import notes
from qhas.profile.op_names import of_network
from qhas.profile.qhas_file import HtpOpType, QhasFile, QnnOp, Traffic

SHOWN = 15


@dataclass(frozen=True)
class OpRow:
    """An op type, or an op. `type` is the QNN op type where there is one; `percent` is of the dominant path, traffic in bytes."""

    name: str
    type: str
    percent: float
    dominant: int
    cycles: int
    htp_ops: int
    dram: int
    vtcm: int
    format_change: bool = False
    reference: bool = False


@dataclass(frozen=True)
class OpTable:
    """The first rows, and how many there are in all; of them the compiler added `added`, as inputs and outputs."""

    rows: list[OpRow]
    total: int
    added: int

    @property
    def most(self) -> float:
        """The largest share of the dominant path, which is the longest bar."""
        return max((row.percent for row in self.rows), default=0.0) or 1.0


@dataclass(frozen=True)
class ResourceUse:
    """A thread of a unit. Utilisation in percent of the timeline, traffic in bytes."""

    core: int
    unit: str
    tid: int
    cycles_used: int
    utilization: float
    traffic: Traffic


@dataclass(frozen=True)
class OpTables:
    """What a page shows of a QHAS file. `by_dram` are ops of the network by the bytes they move to and from DRAM."""

    types: OpTable
    instances: OpTable
    htp_types: OpTable
    by_dram: OpTable
    resources: list[ResourceUse]
    notes: list[str]
    """What a reader should know of the file, as sentences without subject."""


@dataclass(frozen=True)
class _Path:
    """The dominant path of a core."""

    core: int
    busy: float

    def percent(self, cycles: int) -> float:
        """The share of so many cycles."""
        return 100 * cycles / self.busy if self.busy > 0 else 0.0


def op_tables(file: QhasFile) -> OpTables:
    """The tables; those of sections that the file does not have are empty."""
    last = file.longest
    path = _Path(last.htp, last.timeline_cycles * (1 - last.percent_idle / 100))
    instances = [_instance(op, path) for op in file.qnn_ops]
    return OpTables(
        types=_ranked(_by_type(instances)),
        instances=_ranked(instances),
        htp_types=_ranked(_htp_type(op, path) for op in file.htp_op_types),
        by_dram=_ranked((op for op in instances if op.dram), "dram"),
        resources=[
            ResourceUse(core.htp, used.type, used.tid, used.cycles_used, used.utilization, used)
            for core in file.cores
            for used in core.resources
        ],
        notes=notes(file),
    )


def _ranked(rows: Iterable[OpRow], by: str = "dominant") -> OpTable:
    ordered = sorted(rows, key=lambda row: (-getattr(row, by), -row.cycles, row.name))
    return OpTable(ordered[:SHOWN], len(ordered), sum(not of_network(row.type) for row in ordered))


def _by_type(instances: Iterable[OpRow]) -> list[OpRow]:
    by_type = attrgetter("type")
    groups = groupby(sorted(instances, key=by_type), by_type)
    return [_sum(name, list(rows)) for name, rows in groups]


def _sum(name: str, rows: list[OpRow]) -> OpRow:
    return OpRow(
        name,
        name,
        percent=sum(row.percent for row in rows),
        dominant=sum(row.dominant for row in rows),
        cycles=sum(row.cycles for row in rows),
        htp_ops=sum(row.htp_ops for row in rows),
        dram=sum(row.dram for row in rows),
        vtcm=sum(row.vtcm for row in rows),
    )


def _instance(op: QnnOp, path: _Path) -> OpRow:
    dominant = op.dominant.get(path.core, 0)
    return OpRow(
        op.name,
        op.type,
        path.percent(dominant),
        dominant,
        op.cycles,
        op.num_htp_ops or 0,
        op.dram or 0,
        op.vtcm or 0,
    )


def _htp_type(op: HtpOpType, path: _Path) -> OpRow:
    dominant = op.dominant.get(path.core, 0)
    return OpRow(
        op.op,
        "",
        path.percent(dominant),
        dominant,
        op.cycles,
        op.instances,
        op.dram or 0,
        op.vtcm or 0,
        bool(op.format_change),
        bool(op.reference_op),
    )
