"""What happened to each op between two sides, beside the time it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from qhas.diff.matching import Match
from qhas.diff.model import Figure, Matched, OpDiff, OpEffect, Unit
from qhas.diff.op_words import counted
from qhas.diff.ops import Op
from qhas.profile.op_names import of_network

_DRAM_BYTES = 4096
"""That an op's traffic must change by, beside a tenth of it, to be worth naming."""
_SHARE = 0.10
"""Of elements or bytes: less is padding and the overlap of tiles."""

Holds = Callable[[Op, Op], bool]
_SLOWER, _FASTER = +1, -1


class _Rule(NamedTuple):
    """When an effect holds; and the sign of the change of time it can explain, if it is only one."""

    effect: OpEffect
    holds: Holds
    sign: int = 0


def _grew(read: Callable[[Op], int | None]) -> Holds:
    def grew(before: Op, after: Op) -> bool:
        old, new = read(before), read(after)
        return old is not None and new is not None and new > (1 + _SHARE) * old

    return grew


def _shrank(read: Callable[[Op], int | None]) -> Holds:
    grew = _grew(read)
    return lambda before, after: grew(after, before)


_grew_dram = _grew(lambda op: op.dram)
_resized = tuple(rule(lambda op: op.elements) for rule in (_grew, _shrank))


def _more_dram(before: Op, after: Op) -> bool:
    return _grew_dram(before, after) and (after.dram or 0) - (before.dram or 0) >= _DRAM_BYTES


def _told_apart(before: Op, after: Op) -> bool:
    return None not in (before.data_type, after.data_type) and before.data_type != after.data_type


def _reshaped(before: Op, after: Op) -> bool:
    return any(rule(before, after) for rule in _resized)


_OF_NETWORK = (_Rule(OpEffect.DATA_TYPE, _told_apart), _Rule(OpEffect.RESHAPED, _reshaped))
_OF_COMPILER = (
    _Rule(OpEffect.REFERENCE_GAINED, _grew(lambda op: op.reference_elements), _SLOWER),
    _Rule(OpEffect.REFERENCE_LOST, _shrank(lambda op: op.reference_elements), _FASTER),
    _Rule(OpEffect.FORMAT_CHANGE_GAINED, _grew(lambda op: op.format_elements), _SLOWER),
    _Rule(OpEffect.FORMAT_CHANGE_LOST, _shrank(lambda op: op.format_elements), _FASTER),
    _Rule(OpEffect.HMX_LOST, _shrank(lambda op: op.hmx), _SLOWER),
    _Rule(OpEffect.HMX_GAINED, _grew(lambda op: op.hmx), _FASTER),
    _Rule(OpEffect.MORE_DRAM, _more_dram, _SLOWER),
    _Rule(OpEffect.LESS_DRAM, lambda before, after: _more_dram(after, before), _FASTER),
    _Rule(OpEffect.RECOMPILED, lambda before, after: before.kinds != after.kinds),
)
"""The first that holds, and can explain the change of time, is the one to look at."""
_OF_ONE_SIDE = {
    Matched.ADDED: OpEffect.ADDED,
    Matched.REMOVED: OpEffect.REMOVED,
    Matched.REPLACED: OpEffect.REPLACED,
}


@dataclass(frozen=True)
class Sameness:
    """What both sides have in common. The very same network has the same topology, and no op of it another shape or data
    type: what looks so are other tiles.
    """

    topology: bool
    network: bool


def op_diffs(matches: Iterable[Match[Op]], same: Sameness) -> list[OpDiff]:
    """Every match as a row, the largest difference on the dominant path first."""
    rows = [_row(match, same) for match in matches]
    return sorted(rows, key=lambda row: (-abs(row.dominant.change or 0), row.name))


def _row(match: Match[Op], same: Sameness) -> OpDiff:
    before, after = match.before, match.after
    first, last = _main(before), _main(after)
    return OpDiff(
        name_before=_joined([op.name for op in before]),
        name_after=_joined([op.name for op in after]),
        type_before=counted([op.type for op in before]) or None,
        type_after=counted([op.type for op in after]) or None,
        matched=match.how,
        effect=_effect(match, same),
        dominant=_both("dominant", Unit.CYCLES, match),
        cycles=_both("cycles", Unit.CYCLES, match),
        htp_ops=_both("htp_ops", Unit.COUNT, match),
        format_changes=_both("format_changes", Unit.COUNT, match),
        reference_ops=_both("reference_ops", Unit.COUNT, match),
        dram=_both("dram", Unit.BYTES, match),
        shape_before=list(first.shape) if first and first.shape else None,
        shape_after=list(last.shape) if last and last.shape else None,
        data_type_before=first.data_type if first else None,
        data_type_after=last.data_type if last else None,
        module=next((op.module for op in (*after, *before) if op.module is not None), None),
        op_count=max(len(after), 1),
        of_network=all(of_network(op.type) for op in (*before, *after)),
    )


def _effect(match: Match[Op], same: Sameness) -> OpEffect:
    if match.effect:
        return match.effect
    if match.how in _OF_ONE_SIDE:
        return OpEffect.RECOMPILED if same.topology or match.known else _OF_ONE_SIDE[match.how]
    (before,), (after,) = match.before, match.after
    change = after.dominant - before.dominant
    rules = _OF_COMPILER if same.network or match.known else _OF_NETWORK + _OF_COMPILER
    return next(
        (rule.effect for rule in rules if rule.sign * change >= 0 and rule.holds(before, after)),
        OpEffect.NONE,
    )


def _both(name: str, unit: Unit, match: Match[Op]) -> Figure:
    return Figure(name=name, unit=unit, before=_sum(match.before, name), after=_sum(match.after, name))


def _sum(ops: Sequence[Op], name: str) -> float | None:
    """Of no ops it is 0: what is not there takes nothing."""
    values = [value for op in ops if (value := getattr(op, name)) is not None]
    return float(sum(values)) if values or not ops else None


def _main(ops: Sequence[Op]) -> Op | None:
    """The one that did most, of several that stand for each other."""
    return max(ops, key=lambda op: (op.cycles, op.name), default=None)


def _joined(names: Sequence[str]) -> str | None:
    return " + ".join(names) or None
