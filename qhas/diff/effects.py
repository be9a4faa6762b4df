"""What happened to each op between two sides, beside the time it takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from qhas.diff.matching import Match
from qhas.diff.model import Figure, Matched, OpDiff, OpEffect, Unit
from qhas.diff.ops import Op

_DRAM_SHARE = 0.10
"""Of an op's own traffic, and ..."""
_DRAM_BYTES = 4096
"""... bytes, that its traffic must change by to be worth naming."""

Holds = Callable[[Op, Op], bool]


def _grew(read: Callable[[Op], int | None]) -> Holds:
    return lambda before, after: _difference(read(before), read(after)) > 0


def _shrank(read: Callable[[Op], int | None]) -> Holds:
    return lambda before, after: _difference(read(before), read(after)) < 0


def _moved_dram(sign: int) -> Holds:
    def moved(before: Op, after: Op) -> bool:
        change = sign * _difference(before.dram, after.dram)
        return change > max(_DRAM_BYTES, _DRAM_SHARE * (before.dram or 0))

    return moved


_EFFECTS: tuple[tuple[OpEffect, Holds], ...] = (
    (OpEffect.REPLACED, lambda before, after: before.type != after.type),
    (OpEffect.DATA_TYPE, lambda before, after: _told_apart(before.data_type, after.data_type)),
    (OpEffect.RESHAPED, lambda before, after: _reshaped(before, after)),
    (OpEffect.REFERENCE_GAINED, _grew(lambda op: op.reference_ops)),
    (OpEffect.REFERENCE_LOST, _shrank(lambda op: op.reference_ops)),
    (OpEffect.FORMAT_CHANGE_GAINED, _grew(lambda op: op.format_changes)),
    (OpEffect.FORMAT_CHANGE_LOST, _shrank(lambda op: op.format_changes)),
    (OpEffect.HMX_LOST, _shrank(lambda op: op.hmx)),
    (OpEffect.HMX_GAINED, _grew(lambda op: op.hmx)),
    (OpEffect.MORE_DRAM, _moved_dram(+1)),
    (OpEffect.LESS_DRAM, _moved_dram(-1)),
    (OpEffect.RECOMPILED, lambda before, after: before.kinds != after.kinds),
)
"""In the order of OpEffect: the first that holds is the one to look at."""
_OF_NETWORK = {OpEffect.REPLACED, OpEffect.DATA_TYPE, OpEffect.RESHAPED}
_OF_ONE_SIDE = {
    Matched.ADDED: OpEffect.ADDED,
    Matched.REMOVED: OpEffect.REMOVED,
    Matched.REPLACED: OpEffect.REPLACED,
}


def op_diffs(matches: Iterable[Match], *, same_network: bool) -> list[OpDiff]:
    """Every match as a row, the largest difference on the dominant path first.

    In the very same network no op has another shape or data type: what looks so are other tiles of it.
    """
    effects = [row for row in _EFFECTS if not (same_network and row[0] in _OF_NETWORK)]
    rows = [_row(match, effects) for match in matches]
    return sorted(rows, key=lambda row: (-abs(row.dominant.change or 0), row.name))


def _row(match: Match, effects: Sequence[tuple[OpEffect, Holds]]) -> OpDiff:
    before, after = match.before, match.after
    first, last = _single(before), _single(after)
    return OpDiff(
        name_before=_joined([op.name for op in before]),
        name_after=_joined([op.name for op in after]),
        type_before=_counted([op.type for op in before]),
        type_after=_counted([op.type for op in after]),
        matched=match.how,
        effect=_effect(match, effects),
        dominant=_both("dominant", Unit.CYCLES, match, lambda op: op.dominant),
        cycles=_both("cycles", Unit.CYCLES, match, lambda op: op.cycles),
        htp_ops=_both("htp_ops", Unit.COUNT, match, lambda op: op.htp_ops),
        format_changes=_both("format_changes", Unit.COUNT, match, lambda op: op.format_changes),
        reference_ops=_both("reference_ops", Unit.COUNT, match, lambda op: op.reference_ops),
        dram=_both("dram", Unit.BYTES, match, lambda op: op.dram),
        shape_before=list(first.shape) if first and first.shape else None,
        shape_after=list(last.shape) if last and last.shape else None,
        data_type_before=first.data_type if first else None,
        data_type_after=last.data_type if last else None,
        op_count=max(len(after), 1),
    )


def _effect(match: Match, effects: Sequence[tuple[OpEffect, Holds]]) -> OpEffect:
    if match.how in _OF_ONE_SIDE:
        return _OF_ONE_SIDE[match.how]
    (before,), (after,) = match.before, match.after
    return next((effect for effect, holds in effects if holds(before, after)), OpEffect.NONE)


def _both(name: str, unit: Unit, match: Match, read: Callable[[Op], int | None]) -> Figure:
    return Figure(name=name, unit=unit, before=_sum(match.before, read), after=_sum(match.after, read))


def _sum(ops: Sequence[Op], read: Callable[[Op], int | None]) -> float | None:
    """Of no ops it is 0: what is not there takes nothing."""
    told = [value for op in ops if (value := read(op)) is not None]
    return float(sum(told)) if told or not ops else None


def _difference(before: int | None, after: int | None) -> int:
    return 0 if before is None or after is None else after - before


def _told_apart(before: str | None, after: str | None) -> bool:
    return None not in (before, after) and before != after


def _reshaped(before: Op, after: Op) -> bool:
    return None not in (before.shape, after.shape) and before.shape != after.shape


def _single(ops: Sequence[Op]) -> Op | None:
    return ops[0] if len(ops) == 1 else None


def _joined(names: Sequence[str]) -> str | None:
    return " + ".join(names) or None


def _counted(types: Sequence[str]) -> str | None:
    counts = Counter(types)
    return " + ".join(f"{count} {kind}" if count > 1 else kind for kind, count in counts.items()) or None
