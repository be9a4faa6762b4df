"""Circumstances that only the figures show: another network, other data types, threads, memory, another compilation, clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from qhas.diff.model import (
    Circumstance,
    CircumstanceKind,
    Figure,
    OpDiff,
    OpEffect,
    Resource,
    Source,
)
from qhas.diff.op_words import several, titled
from qhas.units import mebibytes

Kind = CircumstanceKind

_CLOCK_PERCENT = 2.0
"""A change of clock that is more than rounding."""
_RATE = 0.10
"""Of the time of a cycle: the graph's start and end, outside its cycles, are up to 8 % of a small network."""
_FULL = 0.85
"""Share of a size that VTCM comes in, at which a peak says that there was no more."""
_VTCM_SIZES = tuple(size << 20 for size in (1, 2, 4, 8, 16))
_SHOWN = 3
"""Types of ops named before the rest is `more`."""
_OF_NETWORK = (OpEffect.REPLACED, OpEffect.ADDED, OpEffect.REMOVED, OpEffect.RESHAPED)
_TOLD = {OpEffect.REPLACED: "became {0}", OpEffect.RESHAPED: "with results of another size"}
"""An op that a compiler makes twice has results of twice the size: figures cannot tell it from one that is twice as large."""
_MAKES_OTHERS = {Kind.SOC, Kind.SDK, Kind.DATA_TYPE, Kind.NETWORK, Kind.WEIGHTS}
"""Whatever differs in memory or compilation follows from these."""


def network_changes(ops: Sequence[OpDiff]) -> list[Circumstance]:
    """How the ops of two networks differ that are not known to be the same one."""
    found = [] if (data_type := _data_type(ops)) is None else [data_type]
    phrases = [_phrase(effect, same) for effect in _OF_NETWORK if (same := _with(ops, effect))]
    if phrases:
        found.append(_seen(Kind.NETWORK, f"network: {', '.join(phrases)}"))
    return found


def observed(
    ops: Sequence[OpDiff],
    figures: Sequence[Figure],
    resources: Sequence[Resource],
    clock: Figure,
    known: Collection[CircumstanceKind],
) -> Iterator[Circumstance]:
    """What the figures of one network show, beside what is known already."""
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
    if _MAKES_OTHERS.isdisjoint(known):
        if _limited(peak):
            yield _seen(Kind.VTCM, f"peak VTCM {mebibytes(peak.before or 0)} → {mebibytes(peak.after or 0)}")
        if compiled := _with(ops, OpEffect.RECOMPILED):
            yield _seen(Kind.COMPILED, f"{len(compiled)} of {len(ops)} ops compiled to other HTP ops")
    if Kind.SOC in known:
        return
    if clock.change is None and (slower := _us_a_cycle(by_name)) and max(slower, 1 / slower) - 1 > _RATE:
        more = "more" if slower > 1 else "less"
        sentence = f"a cycle takes {100 * abs(slower - 1):.0f} % {more} time, so most likely another clock"
        yield _seen(Kind.CLOCK, sentence)
    elif 100 * abs(clock.change or 0.0) > _CLOCK_PERCENT * min(clock.before or 0.0, clock.after or 0.0):
        yield _seen(Kind.CLOCK, f"clock {clock.before:,.0f} → {clock.after:,.0f} MHz")


def _us_a_cycle(figures: Mapping[str, Figure]) -> float | None:
    """Of the graph, after in terms of before; None where a file does not tell."""
    time, cycles = figures["graph_us"], figures["timeline_cycles"]
    if not (time.before and time.after and cycles.before and cycles.after):
        return None
    return time.after / cycles.after / (time.before / cycles.before)


def _limited(peak: Figure) -> bool:
    """Whether one side filled a VTCM that would have been too small for the other."""
    low, high = sorted((peak.before or 0.0, peak.after or 0.0))
    return any(_FULL * size <= low <= size < high for size in _VTCM_SIZES)


def _with(ops: Iterable[OpDiff], effect: OpEffect) -> list[OpDiff]:
    return [op for op in ops if op.effect is effect]


def _phrase(effect: OpEffect, ops: Sequence[OpDiff]) -> str:
    """As in `2 HardSwish became Add + Clip + Mul`; a single op with its name."""
    told = _TOLD.get(effect, effect.value)
    kinds = Counter((op.type_before or op.type, told.format(op.type_after)) for op in ops)
    single = {op.type: titled(op.type, op.name) for op in ops if effect is not OpEffect.REPLACED}
    listed = [
        f"{several(count, kind) if count > 1 else single.get(kind, kind)} {what}"
        for (kind, what), count in kinds.most_common(_SHOWN)
    ]
    return ", ".join(listed + ([f"{len(kinds) - _SHOWN} more kinds"] if len(kinds) > _SHOWN else []))


def _data_type(ops: Sequence[OpDiff]) -> Circumstance | None:
    """The change that most ops made, if it is most ops of those that both sides have."""
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
