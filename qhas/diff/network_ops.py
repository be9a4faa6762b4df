"""Matching of the ops of two profiles by the networks of their DLCs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from qhas.diff.matching import Match, match
from qhas.diff.model import Matched, OpEffect
from qhas.diff.network_changes import SAME_OP, NetworkDiff, OpChange
from qhas.diff.ops import Op
from qhas.profile.op_names import of_network

_ENOUGH = 0.5
"""Share of a profile's ops that must be named in its DLC for the two to count as using the same names."""


def match_by_network(diff: NetworkDiff, before: Sequence[Op], after: Sequence[Op]) -> list[Match[Op]] | None:
    """Put every op into exactly one match; return None if a profile uses other op names than its DLC."""
    old, new = _by_name(before), _by_name(after)
    named = (
        {node.name for op in diff.ops for node in op.match.before},
        {node.name for op in diff.ops for node in op.match.after},
    )
    for side, names in zip((old, new), named, strict=True):
        if len(side.keys() & names) < _ENOUGH * len(side):
            return None
    matches = [pair for op in diff.ops for pair in _of_change(op, old, new)]
    taken = {id(op) for pair in matches for op in (*pair.before, *pair.after)}
    rest = match(*([op for op in ops if id(op) not in taken] for ops in (before, after)))
    return matches + [replace(pair, known=True) for pair in rest]


def _of_change(change: OpChange, old: dict[str, list[Op]], new: dict[str, list[Op]]) -> Iterator[Match[Op]]:
    """Match the profiles' ops that a change concerns.

    An op that both networks have and one profile lacks was compiled away.
    """
    how = change.match.how
    left = tuple(op for node in change.match.before for op in old.pop(node.name, ()))
    right = tuple(op for node in change.match.after for op in new.pop(node.name, ()))
    if how in SAME_OP and len(left) == len(right):
        for before, after in zip(left, right, strict=True):
            yield Match(how, (before,), (after,), known=True, effect=change.effect)
        return
    if left and right:
        yield Match(Matched.REPLACED, left, right, known=True, effect=OpEffect.REPLACED)
        return
    kept = how in SAME_OP
    replaced = OpEffect.REPLACED if how is Matched.REPLACED else None
    for op in left:
        effect = change.effect if kept else replaced or OpEffect.REMOVED
        yield Match(Matched.REMOVED, (op,), (), known=True, effect=effect)
    for op in right:
        effect = change.effect if kept else replaced or OpEffect.ADDED
        yield Match(Matched.ADDED, (), (op,), known=True, effect=effect)


def _by_name(ops: Iterable[Op]) -> dict[str, list[Op]]:
    named: dict[str, list[Op]] = defaultdict(list)
    for op in ops:
        if of_network(op.type):
            named[op.name].append(op)
    return named
