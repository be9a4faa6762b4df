"""The tables of a QHAS file that a page has room for.

Rows are ranked by their share of the dominant path, which is time; cycles are summed over parallel threads, which is
work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any

from qhas.diff.circumstances import Evidence
from qhas.diff.ops import Op
from qhas.profile.notes import notes
from qhas.profile.op_names import border_name, of_network
from qhas.profile.qhas_file import HtpOpType, QhasFile, QnnOp, Traffic
from qhas.profile.thread_use import Packets, ThreadUse, by_htp_op, thread_use
from qhas.profile.thread_use import packets as packets_of
from qhas.profile.timing import Timing, timing
from qhas.report.by_source import BySource, by_source
from qhas.report.op_row import OpRow
from qhas.source.level import Level
from qhas.source.source_map import SourceMap
from qhas.source.transfers import transfers
from qhas.units import megahertz, microseconds

SHOWN = 15


@dataclass(frozen=True)
class OpTable:
    """The first rows, and how many there are in all, `added` of them by the compiler, such as inputs and outputs."""

    rows: list[OpRow]
    total: int
    added: int

    def has(self, column: str) -> bool:
        """Whether any row has a value in this column: other columns are not shown."""
        return any(getattr(row, column) not in (None, "") for row in self.rows)

    @property
    def most(self) -> float:
        """The largest share of the dominant path, which is the longest bar."""
        return max((row.percent for row in self.rows), default=0.0) or 1.0


@dataclass(frozen=True)
class ResourceUse:
    """A thread of a unit, with utilisation in percent of the timeline and traffic in bytes."""

    core: int
    unit: str
    tid: int
    cycles_used: int
    utilization: float
    traffic: Traffic
    use: ThreadUse | None = None
    """What its cycles went into; None if the file does not say."""


@dataclass(frozen=True)
class OpTables:
    """What a page shows of a QHAS file. `by_dram` ranks ops of the network by the bytes they move to and from DRAM."""

    types: OpTable
    instances: OpTable
    htp_types: OpTable
    by_dram: OpTable
    resources: list[ResourceUse]
    rate: str
    """How cycles were converted to microseconds, as part of a sentence; empty if they were not."""
    notes: list[str]
    """What a reader should know about the file, as sentences without a subject."""
    every: list[OpRow] = field(default_factory=list)
    """All ops of the network, in the file's order."""
    by_level: Sequence[BySource] = ()
    """For a network that was converted from an ONNX: the ops by node, and by module."""


@dataclass(frozen=True)
class _Path:
    """The dominant path of a core."""

    core: int
    busy: float
    us_a_cycle: float | None

    def us(self, cycles: int) -> float | None:
        """Convert cycles to time; None if their rate is not known."""
        return None if self.us_a_cycle is None else cycles * self.us_a_cycle

    def percent(self, cycles: int) -> float:
        """Return the share of the path that these cycles make up."""
        return 100 * cycles / self.busy if self.busy > 0 else 0.0


def op_tables(side: Evidence) -> OpTables:
    """Build the tables; those of sections that the file does not have are empty."""
    file, sources, taken = side.file, side.sources, timing(side.file, side.runtrace)
    moved = transfers(file, side.network) if sources else []
    path = _path(file, taken)
    instances = _instances(side, path)
    packets, uses = dict(by_htp_op(file)), {} if file.simulated else thread_use(file)
    return OpTables(
        types=_ranked(_by_type(instances)),
        instances=_ranked(instances),
        htp_types=_ranked(_htp_type(op, path, packets.get(op.op)) for op in file.htp_op_types),
        by_dram=_ranked((op for op in instances if op.dram), "dram"),
        resources=[
            ResourceUse(
                core.htp,
                used.type,
                used.tid,
                used.cycles_used,
                used.utilization,
                used,
                uses.get((core.htp, used.tid)),
            )
            for core in file.cores
            for used in core.resources
        ],
        rate=_rate(taken, path.us_a_cycle),
        notes=notes(file),
        every=instances,
        by_level=[by_source(instances, level, None, moved, sources) for level in Level] if sources else [],
    )


def network_ops(side: Evidence) -> list[OpRow]:
    """Return every op of the network, in the file's order."""
    return _instances(side, _path(side.file, timing(side.file, side.runtrace)))


def _path(file: QhasFile, taken: Timing) -> _Path:
    last = file.longest
    us_a_cycle = (
        1 / taken.clock_mhz if taken.clock_mhz else taken.us_a_cycle if last.graph_execute_us else None
    )
    return _Path(last.htp, last.timeline_cycles * (1 - last.percent_idle / 100), us_a_cycle)


def _instances(side: Evidence, path: _Path) -> list[OpRow]:
    details = _details(side.file, side.ops)
    return [
        _instance(op, path, details.get(border_name(op.name), {}) | _origin(op.name, side.sources))
        for op in side.file.qnn_ops
    ]


def _origin(op: str, sources: SourceMap | None) -> dict[str, Any]:
    node = sources.node_of(op) if sources else None
    return {"node": node.name, "module": node.module, "source": node.place} if node else {}


def _rate(taken: Timing, us_a_cycle: float | None) -> str:
    if us_a_cycle is None:
        return ""
    if taken.clock_mhz:
        return f"at {megahertz(taken.clock_mhz)}, the mean clock of the graph's execution"
    return f"as shares of the graph's {microseconds(taken.execute)}"


def _details(file: QhasFile, ops: Iterable[Op]) -> dict[str, dict[str, Any]]:
    """Return what only HTP ops say about the ops of the network, by name."""
    # A simulated graph begins in cycle 0; in a measured one, 0 means that the file does not say.
    begin = 0 if file.simulated else min([op.start_cycle for op in file.htp_ops if op.start_cycle], default=0)
    details: dict[str, dict[str, Any]] = {}
    for op in ops:
        compiled = file.compiled.get(op.name, ())
        timed = [row for row in compiled if row.start_cycle or file.simulated]
        details[op.name] = {
            "start": min([row.start_cycle for row in timed]) - begin if timed else None,
            "end": max([row.start_cycle + row.cycles for row in timed]) - begin if timed else None,
            "shape": " x ".join(map(str, op.shape or ())),
            "data_type": op.data_type or "",
            "packets": packets_of(compiled),
        }
    return details


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
        us=_added([row.us for row in rows]),
    )


def _added(times: list[float | None]) -> float | None:
    stated = [time for time in times if time is not None]
    return sum(stated) if stated else None


def _instance(op: QnnOp, path: _Path, told: Mapping[str, Any]) -> OpRow:
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
        us=path.us(dominant),
        **told,
    )


def _htp_type(op: HtpOpType, path: _Path, packets: Packets | None) -> OpRow:
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
        us=path.us(dominant),
        packets=packets,
    )
