"""Circumstances that only the figures show: another network, other data types, threads, memory, another compilation, clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from qhas.diff.model import (
    Circumstance,
    CircumstanceKind,
    Figure,
    Matched,
    OpDiff,
    OpEffect,
    Resource,
    Source,
)

Kind = CircumstanceKind

_CLOCK_PERCENT = 2.0
_VTCM_PERCENT = 25.0
"""Changes of clock and of peak VTCM that are more than rounding or another schedule."""
_SHOWN = 3
"""Types of ops named before the rest is `more`."""
_OF_NETWORK = (OpEffect.REPLACED, OpEffect.ADDED, OpEffect.REMOVED, OpEffect.RESHAPED)
_MAKES_OTHERS = {Kind.SOC, Kind.SDK, Kind.DATA_TYPE, Kind.NETWORK}
"""Whatever differs in memory or compilation follows from these."""


def network_changes(ops: Sequence[OpDiff]) -> list[Circumstance]:
    """How the ops of two networks differ that are not known to be the same one."""
    found = [_data_type(ops)] if any(op.effect is OpEffect.DATA_TYPE for op in ops) else []
    phrases = [_phrase(effect, same) for effect in _OF_NETWORK if (same := _with(ops, effect))]
    if phrases:
        found.append(_seen(Kind.NETWORK, f"network: {', '.join(phrases)}"))
    return found


def observed(
    ops: Sequence[OpDiff],
    figures: Sequence[Figure],
    resources: Sequence[Resource],
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
        if abs(peak.percent or 0.0) > _VTCM_PERCENT:
            yield _seen(Kind.VTCM, f"peak VTCM {_mebibytes(peak.before)} → {_mebibytes(peak.after)} MB")
        if compiled := _with(ops, OpEffect.RECOMPILED):
            yield _seen(Kind.COMPILED, f"{len(compiled)} of {len(ops)} ops compiled to other HTP ops")
    clock = by_name["clock_mhz"]
    if Kind.SOC not in known and abs(clock.percent or 0.0) > _CLOCK_PERCENT:
        yield _seen(Kind.CLOCK, f"clock {clock.before:,.0f} → {clock.after:,.0f} MHz")


def _with(ops: Iterable[OpDiff], effect: OpEffect) -> list[OpDiff]:
    return [op for op in ops if op.effect is effect]


def _phrase(effect: OpEffect, ops: Sequence[OpDiff]) -> str:
    replaced = effect is OpEffect.REPLACED
    kinds = Counter(f"{op.type_before} by {op.type_after}" if replaced else op.type for op in ops)
    listed = [f"{count} {kind}" if count > 1 else kind for kind, count in kinds.most_common(_SHOWN)]
    more = [f"{len(kinds) - _SHOWN} more types"] if len(kinds) > _SHOWN else []
    return f"{', '.join(listed + more)} {effect}"


def _data_type(ops: Sequence[OpDiff]) -> Circumstance:
    """The change that most ops made, and how many of those that both sides have."""
    changes = Counter((op.data_type_before, op.data_type_after) for op in _with(ops, OpEffect.DATA_TYPE))
    (before, after), count = changes.most_common(1)[0]
    paired = sum(op.matched in (Matched.NAME, Matched.PLACE) for op in ops)
    return Circumstance(
        kind=Kind.DATA_TYPE,
        source=Source.QHAS,
        sentence=f"data type {before} → {after} in {count} of {paired} ops",
        before=before,
        after=after,
    )


def _mebibytes(count: float | None) -> str:
    return f"{(count or 0.0) / (1 << 20):.1f}"


def _seen(kind: CircumstanceKind, sentence: str) -> Circumstance:
    return Circumstance(kind=kind, source=Source.QHAS, sentence=sentence)
