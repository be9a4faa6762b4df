"""An estimate as JSON: its figures, what the simulator took for granted, and on demand what every op does."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hostsdk.native.estimate import Estimated
from hostsdk.viewer.analysis import Analysis, Zoom, analyse
from hostsdk.viewer.timeline import Event, total


def report(estimated: Estimated) -> dict[str, Any]:
    """Figures of one graph. Cycles are of the core clock; bytes are what ops move; intervals are the simulator's own."""
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
    """How many ops of each HTP op there are; one that ran on several threads is one."""
    names = {event.op_id: event.htp_op for event in work}
    return dict(sorted(Counter(names.values()).items()))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ops(estimated: Estimated) -> list[dict[str, Any]] | None:
    """Every op that owns cycles of the dominant path, most first, and the cycles in which nothing works."""
    if estimated.schematic is None:
        return None
    analysis = analyse(estimated.timeline, estimated.schematic, Zoom())
    members: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, event in enumerate(analysis.work):
        members[event.op_id, event.unit.value].append(index)
    rows = [_op(analysis, indices) for indices in members.values()]
    rows += [_idle(sum(gap.end - gap.start for gap in analysis.path.gaps))]
    return sorted((row for row in rows if row["dominant"]), key=lambda row: -row["dominant"])


def _op(analysis: Analysis, indices: list[int]) -> dict[str, Any]:
    events = [analysis.work[index] for index in indices]
    first = events[0]
    node, tensor = analysis.node(first), analysis.tensor(first)
    return {
        "htp_op": first.htp_op,
        "unit": first.unit.value,
        "node": node.name,
        "type": node.type,
        "dtype": tensor.dtype,
        "dims": list(tensor.dims),
        "threads": len({event.tid for event in events}),
        "cycles": sum(event.cycles for event in events),
        "dominant": sum(analysis.path.cycles[index] for index in indices),
        **total(event.traffic for event in events)._asdict(),
    }


def _idle(cycles: int) -> dict[str, Any]:
    nothing = {
        "dtype": "",
        "dims": [],
        "threads": 0,
        "dram_read": 0,
        "dram_write": 0,
        "vtcm_read": 0,
        "vtcm_write": 0,
    }
    return {"htp_op": "", "unit": "", "node": "", "type": "", "cycles": cycles, "dominant": cycles, **nothing}
