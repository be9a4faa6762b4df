"""The difference in an inference's time, split into parts that add up to it.

Cycles: the timeline of the core that ends last is the dominant-path cycles of its ops, plus idle cycles, plus those
that the file gives to no op. Time: the graph's cycles at a clock, plus the start-up before it (VTCM acquire and
power-up). With `c` for cycles and `f` for clock, before (0) and after (1),

    c1 / f1 - c0 / f0  =  (c1 - c0) / f0  +  c1 (1 / f1 - 1 / f0)

where the first term is divided among the parts of the timeline in proportion to their cycles, and the second is the
clock's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from qhas.diff.effects import OpChange
from qhas.diff.model import Contribution, Matched, OpDiff, OpEffect, Part
from qhas.diff.op_words import several, titled, within
from qhas.profile.op_names import lasting_name
from qhas.profile.timing import Timing

_PHRASES: dict[OpEffect, str] = {
    OpEffect.ADDED: "added",
    OpEffect.REMOVED: "removed",
    OpEffect.REPLACED: "replacing other ops",
    OpEffect.DATA_TYPE: "with a different data type",
    OpEffect.ATTRIBUTES: "with different attributes",
    OpEffect.RESHAPED: "with results of a different size",
    OpEffect.REFERENCE_GAINED: "fell back to reference implementations",
    OpEffect.REFERENCE_LOST: "no longer on reference implementations",
    OpEffect.FORMAT_CHANGE_GAINED: "gained a format change",
    OpEffect.FORMAT_CHANGE_LOST: "lost a format change",
    OpEffect.HMX_LOST: "no longer on the HMX",
    OpEffect.HMX_GAINED: "now on the HMX",
    OpEffect.MORE_DRAM: "moved more to and from DRAM",
    OpEffect.LESS_DRAM: "moved less to and from DRAM",
    OpEffect.RECOMPILED: "compiled differently",
    OpEffect.NONE: "",
}
"""What follows `6 Conv2d` in a contribution's name."""


_GAVE_WAY = "replaced by other ops"
"""Phrase for a replaced op whose replacements were compiled to no HTP op."""
_ROUNDING_US = 1e-6
"""Rounding error of floating-point sums; files hold whole microseconds."""


def contributions(before: Timing, after: Timing, ops: Sequence[OpChange]) -> list[Contribution]:
    """Return the parts, the largest difference in time first, without those that did not change."""
    if not (before.apart and after.apart):
        before, after = before.undivided(), after.undivided()
    rates = _rates(before, after)
    us = next((rate for rate in rates if rate is not None), 0.0)
    parts = [*_of_ops(ops), *_of_nobody(before, after, ops)]
    timed = [part.model_copy(update={"us": part.cycles * us}) for part in parts]
    timed += [
        Contribution(part=part, name=name, cycles=0.0, us=us)
        for part, name, us in _of_time(before, after, rates)
    ]
    return sorted(
        (part for part in timed if part.cycles or abs(part.us) > _ROUNDING_US), key=lambda part: -abs(part.us)
    )


def _rates(before: Timing, after: Timing) -> tuple[float | None, float | None]:
    """Return microseconds per cycle: from the clocks if both are known, else from the graph's own time."""
    if before.clock_mhz and after.clock_mhz:
        return 1 / before.clock_mhz, 1 / after.clock_mhz
    return before.us_a_cycle, after.us_a_cycle


def _of_ops(ops: Iterable[OpChange]) -> Iterator[Contribution]:
    """Sum the ops by type and effect, gains and losses separately: netted, they would hide each other."""
    groups: dict[tuple[str, OpEffect, bool], list[OpChange]] = defaultdict(list)
    for op in ops:
        if change := op.change:
            groups[_type(op), op.effect, change > 0].append(op)
    for (kind, effect, _), members in groups.items():
        yield Contribution(
            part=Part.OPS,
            name=_name(kind, effect, members),
            cycles=sum(op.change or 0.0 for op in members),
            us=0.0,
            op_type=kind,
            effect=effect,
            ops=[op.name for op in members],
        )


def _type(op: OpChange) -> str:
    both = op.effect is OpEffect.REPLACED and op.type_before and op.type_after
    return f"{op.type_before} became {op.type_after}" if both else op.type


def _name(kind: str, effect: OpEffect, members: Sequence[OpChange]) -> str:
    where = within(op.module for op in members)
    if effect is OpEffect.REPLACED and kind != members[0].type:
        return several(len(members), kind) + where
    who = several(len(members), kind) if len(members) > 1 else titled(members[0].type, members[0].name)
    who += where
    gone = effect is OpEffect.REPLACED and members[0].type_after is None
    return f"{who} {_GAVE_WAY if gone else _PHRASES[effect]}".rstrip()


def _of_nobody(before: Timing, after: Timing, ops: Iterable[OpChange]) -> Iterator[Contribution]:
    named: Counter[str] = Counter()
    for op in ops:
        named["before"] += round(op.before or 0)
        named["after"] += round(op.after or 0)
    unnamed = (after.cycles - after.idle - named["after"]) - (before.cycles - before.idle - named["before"])
    yield Contribution(part=Part.IDLE, name="idle", cycles=after.idle - before.idle, us=0.0)
    yield Contribution(part=Part.UNNAMED, name="cycles the file assigns to no op", cycles=unnamed, us=0.0)


def _of_time(
    before: Timing, after: Timing, rates: tuple[float | None, float | None]
) -> Iterator[tuple[Part, str, float]]:
    """Yield the parts that are not cycles of the timeline, in microseconds."""
    old, new = rates
    clocks = before.clock_mhz and after.clock_mhz
    if old is not None and new is not None:
        whole = "time per cycle" if before.apart else "power-up, VTCM acquire and clock"
        name = f"clock {before.clock_mhz:,.0f} → {after.clock_mhz:,.0f} MHz" if clocks else whole
        yield Part.CLOCK, name, after.cycles * (new - old)
    if clocks:
        yield Part.AROUND, "start and end of the graph", after.around - before.around
    rest = after.start_up - before.start_up
    for part, name, sides in (
        (Part.VTCM_ACQUIRE, "VTCM acquire", (before.vtcm_acquire, after.vtcm_acquire)),
        (Part.POWER_UP, "power-up", (before.power_up, after.power_up)),
    ):
        first, last = sides
        if first is not None and last is not None:
            rest -= last - first
            yield part, name, last - first
    is_stated = None not in (before.power_up, after.power_up)
    yield Part.START_UP, "the call around the graph" if is_stated else "VTCM acquire and power-up", rest


def renamed(ops: Iterable[OpChange | OpDiff]) -> int:
    """Count the ops matched by place whose name changed, apart from the numbers that every compile moves."""
    return sum(
        op.matched is Matched.PLACE
        and lasting_name(op.name_before or "") != lasting_name(op.name_after or "")
        for op in ops
    )
