"""Overall figures and resources of two files, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from qhas.diff.circumstances import Evidence
from qhas.diff.model import Figure, HtpOpDiff, Resource, Unit
from qhas.profile import figure as profile
from qhas.profile.figures import CLOCK, CYCLES, FIGURES, GRAPH, LATENCY, TIME, WARM, WARM_CLOCK, Profile
from qhas.profile.metrics import metrics_of
from qhas.profile.origin import Origin
from qhas.profile.qhas_file import HtpOpType, QhasFile, ResourceRow
from qhas.runs.record import CellRecord


def figures(before: Evidence, after: Evidence) -> list[Figure]:
    """Compare the figures of the whole inference."""
    sides = [(side, _profile(side)) for side in (before, after)]
    rows = [(figure, [_read(figure, *side) for side in sides]) for figure in FIGURES if figure.compared]
    return [Figure(name=row.name, unit=row.unit, before=old, after=new) for row, (old, new) in rows]


def _profile(side: Evidence) -> Profile:
    own = {name: getattr(side.record, name) for name in ("accuracy", "language") if side.record}
    return Profile(metrics_of(side.file), runtrace=side.runtrace, **own)


def _read(figure: profile.Figure, side: Evidence, profiled: Profile) -> float | None:
    """Read a figure from the side's file if that states it, else as a record would; None for another origin."""
    if side.origin not in figure.origins:
        return None
    value = figure.of_file(side.file) if figure.of_file else None
    return figure.read(profiled) if value is None else value


def deciding(before: Evidence, after: Evidence, figures: Mapping[str, Figure]) -> Figure:
    """Return what decides a verdict: latency if both sides have one, else the graph's own time, warm before cold.

    Power-up and VTCM acquire of the first inference decide nothing: they vary from run to run by more than networks
    take. For a device whose file does not state the graph's own time, the cycles decide, which are the graph's alone.
    """
    if median := latency(before.record, after.record):
        return median
    if before.origin is Origin.SIMULATOR:
        return figures[TIME.name]
    return next(
        (figures[own.name] for own in (WARM, GRAPH) if figures[own.name].change is not None),
        figures[CYCLES.name],
    )


def clock(time: Figure, figures: Mapping[str, Figure]) -> Figure:
    """Return the clock of the inferences that `time` is about: of the warm ones if known, else the first."""
    warm = figures[WARM_CLOCK.name]
    is_warm = time.name in (LATENCY.name, WARM.name) and warm.change is not None
    return warm if is_warm else figures[CLOCK.name]


def latency(before: CellRecord | None, after: CellRecord | None) -> Figure | None:
    """Return the median latencies of both sides; None unless both have one."""
    sides = [LATENCY.read(record) if record else None for record in (before, after)]
    if None in sides:
        return None
    return Figure(name=LATENCY.name, unit=LATENCY.unit, before=sides[0], after=sides[1])


def resources(before: QhasFile, after: QhasFile) -> list[Resource]:
    """Compare the resources by core and kind of unit, in the order of the files."""
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
    units: dict[tuple[int, str], list[ResourceRow]] = defaultdict(list)
    for core in file.cores:
        for row in core.resources:
            units[core.htp, row.type].append(row)
    return dict(units)


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
    """Return the HTP op types that differ, which is what the dominant path gained and lost; the largest first."""
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
