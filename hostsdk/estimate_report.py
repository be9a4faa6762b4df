"""An estimate as JSON: its figures, what the simulator assumed, and on request what every op does."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hostsdk.native.estimate import Estimated
from hostsdk.viewer.analysis import Analysis, Zoom, analyse
from hostsdk.viewer.figures import covered
from hostsdk.viewer.timeline import Event, total


def report(estimated: Estimated) -> dict[str, Any]:
    """Return one graph's figures. Cycles are of the core clock, bytes what ops move, intervals the simulator's own."""
    timeline = estimated.timeline
    work = [event for event in timeline.events if event.unit.works]
    moved = total(event.traffic for event in work)
    return {
        "graph": timeline.graph,
        "cycles": timeline.cycles,
        "core_mhz": timeline.core_mhz,
        **{name: timeline.own.get(name) for name in ("lower_cycles", "upper_cycles")},
        "dram_read": moved.dram_read,
        "dram_write": moved.dram_write,
        "peak_vtcm": max((sample.bytes for sample in timeline.vtcm), default=0),
        "fill": timeline.own.get("intermediate_fill_bytes"),
        "spill": timeline.own.get("intermediate_spill_bytes"),
        "context_bytes": estimated.context_bytes,
        "ops_without_cost": timeline.ops_without_cost,
        "htp_ops": _instances(work),
        "in_force": {name: value for name, value in timeline.configuration.items() if _is_number(value)},
        "ops": _ops(estimated),
    }


def _instances(work: list[Event]) -> dict[str, int]:
    """Count the ops of each HTP op type; one that ran on several threads counts once."""
    names = {event.op_id: event.htp_op for event in work}
    return dict(sorted(Counter(names.values()).items()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ops(estimated: Estimated) -> list[dict[str, Any]] | None:
    """Return the dominant path's cycles by node, HTP op and unit, most first, with those in which nothing works."""
    if estimated.schematic is None:
        return None
    analysis = analyse(estimated.timeline, estimated.schematic, Zoom())
    members: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for index, event in enumerate(analysis.work):
        members[event.qnn_id, event.htp_op, event.unit.value].append(index)
    rows = [_row(analysis, indices) for indices in members.values()]
    rows += [_idle(sum(gap.end - gap.start for gap in analysis.path.gaps))]
    return sorted((row for row in rows if row["dominant"]), key=lambda row: -row["dominant"])


def _row(analysis: Analysis, indices: list[int]) -> dict[str, Any]:
    events = [analysis.work[index] for index in indices]
    node, tensor = analysis.node(events[0]), analysis.tensor(events[0])
    return {
        "htp_op": events[0].htp_op,
        "unit": events[0].unit.value,
        "node": node.name,
        "type": node.type,
        "dtype": tensor.dtype,
        "dims": list(tensor.dims),
        "instances": len({event.op_id for event in events}),
        "cycles": sum(event.cycles for event in events),
        "busy": covered(events),
        "dominant": sum(analysis.path.cycles[index] for index in indices),
        **total(event.traffic for event in events)._asdict(),
    }


def _idle(cycles: int) -> dict[str, Any]:
    texts = dict.fromkeys(("htp_op", "unit", "node", "type", "dtype"), "")
    nothing = dict.fromkeys(("instances", "busy", "dram_read", "dram_write", "vtcm_read", "vtcm_write"), 0)
    return {"cycles": cycles, "dominant": cycles, "dims": [], **texts, **nothing}
