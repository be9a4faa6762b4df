"""Circumstances that only the figures show: network, data type, HVX threads, VTCM, compilation and clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from qhas.diff.effects import OpChange
from qhas.diff.model import (
    Circumstance,
    CircumstanceKind,
    Figure,
    OpEffect,
    Resource,
    Source,
)
from qhas.diff.op_words import several, titled, within
from qhas.units import mebibytes, signed_percent

Kind = CircumstanceKind

_CLOCK_PERCENT = 2.0
"""A larger change of clock is more than rounding."""
_AROUND_CYCLES = 6_100
"""The most that the graph's start and end took outside its timeline, in the devices' files seen so far."""
_FULL = 0.85
"""Share of a possible VTCM size from which a peak means that there was no more VTCM."""
_VTCM_SIZES = tuple(size << 20 for size in (1, 2, 4, 8, 16))
_SHOWN = 3
"""Number of kinds of ops that are named; the rest are summed up as `more`."""
_OF_NETWORK = (OpEffect.REPLACED, OpEffect.ADDED, OpEffect.REMOVED, OpEffect.RESHAPED)
_TOLD = {OpEffect.REPLACED: "became {0}", OpEffect.RESHAPED: "with results of a different size"}
"""An op that is compiled twice has results of twice the size: figures cannot distinguish it from one twice as large."""
_MAKES_OTHERS = {Kind.SOC, Kind.SDK, Kind.DATA_TYPE, Kind.NETWORK, Kind.WEIGHTS}
"""If one of these differs, differences in memory or compilation follow from it."""


def network_changes(ops: Sequence[OpChange]) -> list[Circumstance]:
    """Return how the ops differ in two networks that are not known to be the same."""
    circumstances = [] if (data_type := _data_type(ops)) is None else [data_type]
    phrases = [_phrase(effect, same) for effect in _OF_NETWORK if (same := _with(ops, effect))]
    if phrases:
        circumstances.append(_seen(Kind.NETWORK, f"network: {', '.join(phrases)}"))
    return circumstances


def observed(
    ops: Sequence[OpChange],
    figures: Sequence[Figure],
    resources: Sequence[Resource],
    clock: Figure,
    stated: Collection[CircumstanceKind],
) -> Iterator[Circumstance]:
    """Yield what the figures show apart from the network, given the kinds of circumstance `stated` already."""
    by_name = {figure.name: figure for figure in figures}
    before, after = (
        sum(side or 0 for side in sides)
        for sides in (
            [r.threads.before for r in resources if r.unit == "HVX"],
            [r.threads.after for r in resources if r.unit == "HVX"],
        )
    )
    if before != after:
        yield _seen(Kind.HVX_THREADS, f"HVX threads {before:.0f} → {after:.0f} in use")
    peak = by_name["peak_vtcm"]
    if _MAKES_OTHERS.isdisjoint(stated):
        if _limited(peak):
            yield _seen(Kind.VTCM, f"peak VTCM {mebibytes(peak.before or 0)} → {mebibytes(peak.after or 0)}")
        if compiled := _with(ops, OpEffect.RECOMPILED):
            yield _seen(Kind.COMPILED, f"{len(compiled)} of {len(ops)} ops compiled to different HTP ops")
    if Kind.SOC in stated:
        return
    if clock.change is None:
        if slower := _slower_cycles(by_name["graph_us"], by_name["timeline_cycles"]):
            yield _seen(
                Kind.CLOCK, f"time per cycle {signed_percent(slower)}, so most likely a different clock"
            )
    elif 100 * abs(clock.change or 0.0) > _CLOCK_PERCENT * min(clock.before or 0.0, clock.after or 0.0):
        yield _seen(Kind.CLOCK, f"clock {clock.before:,.0f} → {clock.after:,.0f} MHz")


def _slower_cycles(time: Figure, cycles: Figure) -> float:
    """Return by how many percent a cycle takes longer; 0 if the graph's start and end or rounding may be the reason."""
    if not (time.before and time.after and cycles.before and cycles.after):
        return 0.0
    ratio = time.after / cycles.after / (time.before / cycles.before)
    percent = 100 * (ratio - 1)
    around = _AROUND_CYCLES / min(cycles.before, cycles.after) + 1 / min(time.before, time.after)
    return percent if 100 * (max(ratio, 1 / ratio) - 1) > _CLOCK_PERCENT + 100 * around else 0.0


def _limited(peak: Figure) -> bool:
    """Whether one side filled a VTCM that would have been too small for the other."""
    low, high = sorted((peak.before or 0.0, peak.after or 0.0))
    return any(_FULL * size <= low <= size < high for size in _VTCM_SIZES)


def _with(ops: Iterable[OpChange], effect: OpEffect) -> list[OpChange]:
    return [op for op in ops if op.effect is effect]


def _phrase(effect: OpEffect, ops: Sequence[OpChange]) -> str:
    """Describe the effect, as in `2 HardSwish became Add + Clip + Mul`; a single op is named."""
    template = _TOLD.get(effect, effect.value)
    kinds = Counter((op.type_before or op.type, template.format(op.type_after)) for op in ops)
    single = {
        op.type: titled(op.type, op.name) + within([op.module])
        for op in ops
        if effect is not OpEffect.REPLACED
    }
    listed = [
        f"{several(count, kind) if count > 1 else single.get(kind, kind)} {phrase}"
        for (kind, phrase), count in kinds.most_common(_SHOWN)
    ]
    more = len(kinds) - _SHOWN
    return ", ".join(listed + ([f"{more} more kind{'s' if more > 1 else ''}"] if more > 0 else []))


def _data_type(ops: Sequence[OpChange]) -> Circumstance | None:
    """Return the change of data type that the most ops made; None if there is none."""
    paired = [op for op in ops if op.data_type_before and op.data_type_after]
    changes = Counter((op.data_type_before, op.data_type_after) for op in paired)
    changed = {change: count for change, count in changes.items() if change[0] != change[1]}
    if not changed:
        return None
    (before, after), count = max(changed.items(), key=lambda item: item[1])
    return Circumstance(
        kind=Kind.DATA_TYPE,
        source=Source.QHAS,
        sentence=f"data type {before} → {after} in {count} of {len(paired)} ops",
        before=before,
        after=after,
    )


def _seen(kind: CircumstanceKind, sentence: str) -> Circumstance:
    return Circumstance(kind=kind, source=Source.QHAS, sentence=sentence)
