"""Overall figures and resources of two files, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from qhas.diff.contributions import timing
from qhas.diff.model import Figure, HtpOpDiff, Resource, Unit
from qhas.profile.metrics import metrics_of
from qhas.profile.qhas_file import HtpOpType, QhasFile, ResourceRow
from qhas.runs.record import CellRecord

LATENCY = "latency_us"
TIME = "time_us"
_UNITS: dict[str, Unit] = {
    TIME: Unit.MICROSECONDS,
    "timeline_cycles": Unit.CYCLES,
    "idle_cycles": Unit.CYCLES,
    "clock_mhz": Unit.MEGAHERTZ,
    "work_cycles": Unit.CYCLES,
    "dram_read": Unit.BYTES,
    "dram_write": Unit.BYTES,
    "vtcm_read": Unit.BYTES,
    "vtcm_write": Unit.BYTES,
    "peak_vtcm": Unit.BYTES,
    "qnn_nodes": Unit.COUNT,
    "htp_nodes": Unit.COUNT,
    "reference_ops": Unit.COUNT,
    "format_changes": Unit.COUNT,
}


def figures(before: QhasFile, after: QhasFile) -> list[Figure]:
    """Of the whole inference."""
    old, new = _values(before), _values(after)
    return [Figure(name=name, unit=unit, before=old[name], after=new[name]) for name, unit in _UNITS.items()]


def _values(file: QhasFile) -> dict[str, float | None]:
    """As in the record of the file, and what a record does not hold.

    `work_cycles` sums the ops' cycles over parallel threads: how much was done, not how long it took.
    """
    parts = timing(file)
    return metrics_of(file).model_dump() | {
        TIME: parts.time,
        "idle_cycles": parts.idle,
        "clock_mhz": parts.clock_mhz,
        "work_cycles": sum(op.cycles for op in file.qnn_ops) or None,
    }


def latency(before: CellRecord | None, after: CellRecord | None) -> Figure | None:
    """The medians of both sides; None unless both have one."""
    sides = [record.latency.median_us if record and record.latency else None for record in (before, after)]
    if None in sides:
        return None
    return Figure(name=LATENCY, unit=Unit.MICROSECONDS, before=sides[0], after=sides[1])


def resources(before: QhasFile, after: QhasFile) -> list[Resource]:
    """By core and kind of unit, in the order of the files."""
    left, right = _by_unit(before), _by_unit(after)
    return [
        Resource(
            core=core,
            unit=unit,
            threads=_figure("threads", Unit.COUNT, *both, lambda rows: len(rows)),
            cycles_used=_figure(
                "cycles_used", Unit.CYCLES, *both, lambda rows: sum(r.cycles_used for r in rows)
            ),
            utilization=_figure("utilization", Unit.PERCENT, *both, _mean_utilization),
            dram=_figure("dram", Unit.BYTES, *both, lambda rows: sum(r.dram or 0 for r in rows)),
            vtcm=_figure("vtcm", Unit.BYTES, *both, lambda rows: sum(r.vtcm or 0 for r in rows)),
        )
        for core, unit in dict.fromkeys([*left, *right])
        if (both := (left.get((core, unit), ()), right.get((core, unit), ())))
    ]


def _by_unit(file: QhasFile) -> dict[tuple[int, str], Sequence[ResourceRow]]:
    found: dict[tuple[int, str], list[ResourceRow]] = defaultdict(list)
    for core in file.cores:
        for row in core.resources:
            found[core.htp, row.type].append(row)
    return dict(found)


def _figure(
    name: str,
    unit: Unit,
    before: Sequence[ResourceRow],
    after: Sequence[ResourceRow],
    read: Callable[[Sequence[ResourceRow]], float],
) -> Figure:
    return Figure(name=name, unit=unit, before=read(before), after=read(after))


def _mean_utilization(rows: Sequence[ResourceRow]) -> float:
    return sum(row.utilization for row in rows) / len(rows) if rows else 0.0


def htp_ops(before: QhasFile, after: QhasFile) -> list[HtpOpDiff]:
    """The types of HTP ops that differ: what the dominant path gained and lost, the largest difference first."""
    core = (before.longest.htp, after.longest.htp)
    left, right = (_by_type(file.htp_op_types) for file in (before, after))
    rows = []
    for name in dict.fromkeys([*left, *right]):
        sides = (left.get(name), right.get(name))
        either = next(side for side in reversed(sides) if side)
        rows.append(
            HtpOpDiff(
                op=name,
                format_change=bool(either.format_change),
                reference_op=bool(either.reference_op),
                instances=_of_type("instances", Unit.COUNT, [s.instances if s else 0 for s in sides]),
                cycles=_of_type("cycles", Unit.CYCLES, [s.cycles if s else 0 for s in sides]),
                dominant=_of_type(
                    "dominant",
                    Unit.CYCLES,
                    [s.dominant.get(c, 0) if s else 0 for s, c in zip(sides, core, strict=True)],
                ),
            )
        )
    different = [row for row in rows if any((row.instances.change, row.cycles.change, row.dominant.change))]
    return sorted(different, key=lambda row: (-abs(row.dominant.change or 0), row.op))


def _by_type(rows: Iterable[HtpOpType]) -> dict[str, HtpOpType]:
    return {row.op: row for row in rows}


def _of_type(name: str, unit: Unit, sides: Sequence[int]) -> Figure:
    before, after = sides
    return Figure(name=name, unit=unit, before=before, after=after)
