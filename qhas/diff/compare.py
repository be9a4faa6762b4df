"""Comparison of two files, or two cells with their files, as one CellDiff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qhas.diff import figures as overall
from qhas.diff.circumstances import Evidence, circumstances, same_network
from qhas.diff.contributions import contributions, renamed
from qhas.diff.effects import OpChange, Sameness, op_changes, op_diffs
from qhas.diff.matching import match, same_topology
from qhas.diff.model import CellDiff, Contribution, Figure, Outcome, Part, Side
from qhas.diff.network_changes import NetworkDiff, network_diff
from qhas.diff.network_ops import match_by_network
from qhas.diff.sentence import sentence
from qhas.failures import InvalidInput
from qhas.profile.figures import CLOCK, CYCLES, DRAM_READ, GRAPH, LATENCY, TIME, VTCM_READ, WARM, WORK
from qhas.profile.notes import notes
from qhas.profile.origin import Origin
from qhas.profile.timing import timing
from qhas.units import signed_percent

THRESHOLD_PERCENT = 3.0
"""A change of time up to this counts as none: devices vary by as much from night to night."""
_UNNAMED_SHARE = 0.01
_WORTH_A_REMARK = 1.0
"""Percent."""


def compare(
    before: Evidence,
    after: Evidence,
    *,
    threshold_percent: float = THRESHOLD_PERCENT,
    labels: tuple[str, str] | None = None,
    rows: bool = True,
) -> CellDiff:
    """Compare two sides. Raises InvalidInput if they are of different origin.

    `labels` name the sides to users; the default is the records' run ids, or the names of the files. Without `rows`
    the result lists no ops: creating and freeing that many takes a fifth of the time for a cell's page.
    """
    sides = (_side(before, labels and labels[0]), _side(after, labels and labels[1]))
    _require_one_origin(*sides)
    same, networks = same_network(before, after), _networks(before, after)
    matches = (networks and match_by_network(networks, before.ops, after.ops)) or match(before.ops, after.ops)
    ops = op_changes(matches, Sameness(topology=same or same_topology(before.ops, after.ops), network=same))
    figures = overall.figures(before, after)
    resources = overall.resources(before.file, after.file)
    parts = contributions(timing(before.file, before.runtrace), timing(after.file, after.runtrace), ops)
    by_name = {figure.name: figure for figure in figures}
    time = overall.deciding(before, after, by_name)
    around = circumstances(before, after, ops, figures, resources, overall.clock(time, by_name), networks)
    verdict = _verdict(time, threshold_percent)
    return CellDiff(
        before=sides[0],
        after=sides[1],
        verdict=verdict,
        sentence=sentence(time, verdict, sides, around, parts, by_name),
        cause=next((circumstance for circumstance in around if circumstance.explains), None),
        time=time,
        figures=figures if time.name in by_name else [time, *figures],
        resources=resources,
        contributions=parts,
        circumstances=around,
        ops=op_diffs(ops) if rows else [],
        htp_ops=overall.htp_ops(before.file, after.file) if rows else [],
        remarks=list(dict.fromkeys(_remarks(before, after, by_name, time, parts, ops, sides[1].origin))),
    )


def _networks(before: Evidence, after: Evidence) -> NetworkDiff | None:
    """Compare the networks; None if one is not recorded, or if both sides ran the very same DLC."""
    if same_network(before, after) or before.network is None or after.network is None:
        return None
    return network_diff(before.network, after.network)


def _side(evidence: Evidence, label: str | None) -> Side:
    file, record = evidence.file, evidence.record
    if record is None:
        return Side(
            label=label or file.name,
            model=file.graph,
            soc=file.provenance.get("soc"),
            origin=evidence.origin,
        )
    return Side(
        label=label or record.run_id,
        cell=record.cell.key,
        model=record.cell.model.name,
        soc=record.cell.soc,
        origin=record.origin,
        sdk=record.sdk.version,
        device=record.device.name if record.device else None,
    )


def _require_one_origin(before: Side, after: Side) -> None:
    if before.origin is not after.origin:
        words = {Origin.DEVICE: "measured on a device", Origin.SIMULATOR: "simulated on a host"}
        raise InvalidInput(
            f"{before.label} was {words[before.origin]} and {after.label} {words[after.origin]}: figures of "
            "different origin are never compared; choose two of one origin."
        )


def _verdict(time: Figure, threshold_percent: float) -> Outcome:
    """Relate the change to the smaller side, so that worse in one direction is better in the other."""
    smaller = min(time.before or 0.0, time.after or 0.0)
    if not smaller or abs(time.change or 0.0) * 100 <= threshold_percent * smaller:
        return Outcome.SAME
    return Outcome.WORSE if (time.change or 0.0) > 0 else Outcome.BETTER


def _remarks(
    before: Evidence,
    after: Evidence,
    figures: dict[str, Figure],
    time: Figure,
    parts: Sequence[Contribution],
    ops: Sequence[OpChange],
    origin: Origin,
) -> Iterator[str]:
    for side in (before, after):
        yield from (f"{side.file.name} {note}." for note in notes(side.file))
        if side.file.missing:
            yield f"{side.file.name} has no {', '.join(side.file.missing)}: their contents are left out."
        if side.runtrace is None and side.any_runtrace:
            yield f"The runtrace beside {side.file.name} is from a different run and is left out."
    first = figures[GRAPH.name] if figures[GRAPH.name].change is not None else figures[TIME.name]
    if warm := {LATENCY.name: "latency", WARM.name: "warm time"}.get(time.name):
        yield f"The parts belong to the first, cold, profiled inference; the {warm} is that of warm ones."
        if (time.change or 0) * (first.change or 0) < 0:
            yield (
                f"{warm.capitalize()} and first inference moved in opposite directions: the parts do not explain "
                f"the {warm}."
            )
    if time.name == GRAPH.name and _at_another_clock(time, figures):
        yield (
            "The cold graph's time and its cycles moved in opposite directions, so the clock was different: warm times "
            "say more if both sides have a runtrace."
        )
    if time.name == CYCLES.name:
        yield "A file does not state the graph's own time, so its cycles are judged; power-up has no effect."
    yield from _misleading(figures, first, origin)
    if moved := renamed(ops):
        names = "name of 1 op moved; it was" if moved == 1 else f"names of {moved} ops moved; they were"
        yield f"The {names} matched by structure and position."
    unnamed = sum(abs(part.cycles) for part in parts if part.part is Part.UNNAMED)
    if unnamed > _UNNAMED_SHARE * abs(figures[CYCLES.name].change or 0):
        yield f"The files assign {unnamed:,.0f} cycles of the difference to no op."


def _at_another_clock(time: Figure, figures: dict[str, Figure]) -> bool:
    cycles, clock = figures[CYCLES.name], figures[CLOCK.name]
    return clock.change is None and (time.percent or 0) * (cycles.percent or 0) < -1


_TOTALS = (WORK, DRAM_READ, VTCM_READ)


def _misleading(figures: dict[str, Figure], first: Figure, origin: Origin) -> Iterator[str]:
    """Yield a remark on each total that moved against the time: on its own it suggests the opposite."""
    time = first.percent or 0.0
    for total in _TOTALS:
        percent = figures[total.name].percent or 0.0
        if min(abs(percent), abs(time)) >= _WORTH_A_REMARK and percent * time < 0:
            slower = "took longer" if time > 0 else "was faster"
            moved = "fewer" if percent < 0 else "more"
            yield (
                f"The total misleads: {signed_percent(percent)[1:]} {moved} {total.words_of(origin)}, "
                f"and the inference {slower}."
            )
