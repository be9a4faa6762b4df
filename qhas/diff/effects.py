"""What happened to each op between two sides, apart from the time it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import Struct
from pydantic import TypeAdapter

from qhas.diff.matching import Match
from qhas.diff.model import Matched, OpDiff, OpEffect, Unit
from qhas.diff.op_words import counted
from qhas.diff.ops import Op
from qhas.profile.op_names import of_network

_DRAM_BYTES = 4096
"""The least change of an op's traffic worth naming; it must also exceed a tenth of the traffic."""
_SHARE = 0.10
"""A change of elements or bytes up to this share is padding or the overlap of tiles."""

Holds = Callable[[Op, Op], bool]
_Read = Callable[[Op], int | None]
_SLOWER, _FASTER = +1, -1


class _Rule(NamedTuple):
    """When an effect holds, and the sign of the change in time that it can explain; 0 for either."""

    effect: OpEffect
    holds: Holds
    sign: int = 0


def _grew(read: _Read) -> Holds:
    def grew(before: Op, after: Op) -> bool:
        old, new = read(before), read(after)
        return old is not None and new is not None and new > (1 + _SHARE) * old

    return grew


def _shrank(read: _Read) -> Holds:
    grew = _grew(read)
    return lambda before, after: grew(after, before)


_grew_dram = _grew(lambda op: op.dram)
_grew_elements = _grew(lambda op: op.elements)


def _more_dram(before: Op, after: Op) -> bool:
    return _grew_dram(before, after) and (after.dram or 0) - (before.dram or 0) >= _DRAM_BYTES


def _types_differ(before: Op, after: Op) -> bool:
    return None not in (before.data_type, after.data_type) and before.data_type != after.data_type


def _reshaped(before: Op, after: Op) -> bool:
    return _grew_elements(before, after) or _grew_elements(after, before)


_OF_NETWORK = (_Rule(OpEffect.DATA_TYPE, _types_differ), _Rule(OpEffect.RESHAPED, _reshaped))
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
"""The first rule that holds and can explain the change in time is the one that counts."""
_FIGURES: tuple[tuple[str, Unit, _Read], ...] = tuple(
    (name, unit, attrgetter(name))
    for name, unit in (
        ("dominant", Unit.CYCLES),
        ("cycles", Unit.CYCLES),
        ("htp_ops", Unit.COUNT),
        ("format_changes", Unit.COUNT),
        ("reference_ops", Unit.COUNT),
        ("dram", Unit.BYTES),
    )
)
_OF_ONE_SIDE = {
    Matched.ADDED: OpEffect.ADDED,
    Matched.REMOVED: OpEffect.REMOVED,
    Matched.REPLACED: OpEffect.REPLACED,
}


@dataclass(frozen=True)
class Sameness:
    """What both sides have in common.

    The very same network has the same topology, and none of its ops has another shape or data type: what looks like one
    is other tiling.
    """

    topology: bool
    network: bool


class OpChange(Struct, frozen=True):
    """A match and what explains it; `before` and `after` are cycles on the dominant path, which is time.

    An `OpDiff` holds more, as a row in a list of ops; every cell of a night has hundreds of ops that only serve to
    explain.
    """

    match: Match[Op]
    name_before: str | None
    name_after: str | None
    type_before: str | None
    type_after: str | None
    effect: OpEffect
    before: float | None
    after: float | None
    data_type_before: str | None
    data_type_after: str | None
    module: str | None
    of_network: bool

    @property
    def matched(self) -> Matched:
        """How the op of one side was found on the other."""
        return self.match.how

    @property
    def name(self) -> str:
        """The name to show: the one after, or the one before if there is none."""
        return self.name_after or self.name_before or ""

    @property
    def type(self) -> str:
        """The type to show: the one after, or the one before if there is none."""
        return self.type_after or self.type_before or ""

    @property
    def change(self) -> float | None:
        """After minus before; None if either is unknown."""
        return None if self.before is None or self.after is None else self.after - self.before


def op_changes(matches: Iterable[Match[Op]], same: Sameness) -> list[OpChange]:
    """Describe what happened in each match, the largest difference on the dominant path first."""
    changes = [_change(match, same) for match in matches]
    return sorted(changes, key=lambda op: (-abs(op.change or 0), op.name))


def _change(match: Match[Op], same: Sameness) -> OpChange:
    before, after = match.before, match.after
    first, last = _main(before), _main(after)
    return OpChange(
        match,
        name_before=_joined([op.name for op in before]),
        name_after=_joined([op.name for op in after]),
        type_before=counted([op.type for op in before]) or None,
        type_after=counted([op.type for op in after]) or None,
        effect=_effect(match, same),
        before=_sum([op.dominant for op in before]),
        after=_sum([op.dominant for op in after]),
        data_type_before=first.data_type if first else None,
        data_type_after=last.data_type if last else None,
        module=next((op.module for op in (*after, *before) if op.module is not None), None),
        of_network=all(of_network(op.type) for op in (*before, *after)),
    )


def op_diffs(changes: Iterable[OpChange]) -> list[OpDiff]:
    """Return each change as a row for a comparison that lists its ops."""
    return _table().validate_python([_row(op) for op in changes])


@cache
def _table() -> TypeAdapter[list[OpDiff]]:
    """Return an adapter that validates all rows in one call, in half the time of one call for each."""
    return TypeAdapter(list[OpDiff])


def _row(op: OpChange) -> dict[str, Any]:
    before, after = op.match.before, op.match.after
    first, last = _main(before), _main(after)
    own = {name: getattr(op, name) for name in OpDiff.model_fields if hasattr(op, name)}
    figures = {
        name: {"name": name, "unit": unit, "before": _sum(map(read, before)), "after": _sum(map(read, after))}
        for name, unit, read in _FIGURES
    }
    return (
        own
        | figures
        | {
            "shape_before": first.shape or None if first else None,
            "shape_after": last.shape or None if last else None,
            "op_count": max(len(after), 1),
        }
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


def _sum(values: Iterable[int | None]) -> float | None:
    """Sum the known values: None if all are unknown, but 0 for no ops, which take nothing."""
    every = [*values]
    told = [value for value in every if value is not None]
    return float(sum(told)) if told or not every else None


def _main(ops: Sequence[Op]) -> Op | None:
    """Return the op with the most cycles, of several that were matched together."""
    return max(ops, key=lambda op: (op.cycles, op.name), default=None)


def _joined(names: Sequence[str]) -> str | None:
    return " + ".join(names) or None
