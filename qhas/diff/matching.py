"""Which op of one network is which of the other: by name, then by type and place where names moved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qhas.diff.model import Matched
from qhas.diff.ops import Op

_TOKEN = re.compile(r"_token_\d+$")
"""Converters number an op's copies; the number moves when the network around it changes."""


@dataclass(frozen=True)
class Match:
    """Ops that are the same on both sides, or that stand for each other; one side is empty for what is new or gone."""

    how: Matched
    before: tuple[Op, ...]
    after: tuple[Op, ...]


def match(before: Sequence[Op], after: Sequence[Op]) -> list[Match]:
    """Every op of both sides in exactly one match."""
    pairs = dict(_by_name(before, after))
    same = [
        Match(Matched.NAME, (before[i],), (after[j],))
        for i, j in pairs.items()
        if before[i].type == after[j].type
    ]
    return same + list(_by_place(before, after, pairs))


def same_topology(before: Sequence[Op], after: Sequence[Op]) -> bool:
    """Whether the ops that both sides name stand at the same places of the network.

    An op that was put in or taken out moves those behind it. One that only one side has, where nothing moved, is in both
    networks, and one compiler made no HTP op of it. Of an op behind all others that cannot be told.
    """
    old, new = ({op.name: op.place for op in ops if op.place is not None} for ops in (before, after))
    common = old.keys() & new.keys()
    if not common or any(old[name] != new[name] for name in common):
        return False
    last = max(old[name] for name in common)
    return all(places[name] < last for places in (old, new) for name in places.keys() - common)


def _by_name(before: Sequence[Op], after: Sequence[Op]) -> Iterator[tuple[int, int]]:
    """Pairs of positions: the very same name first, then the same without its token where that is unambiguous."""
    left, right = set(range(len(before))), set(range(len(after)))
    for rename in (str, without_token):
        here, there = _unique(before, left, rename), _unique(after, right, rename)
        for name, i in here.items():
            if (j := there.get(name)) is not None:
                left.remove(i)
                right.remove(j)
                yield i, j


def without_token(name: str) -> str:
    """The name as the network's author knows it."""
    return _TOKEN.sub("", name)


def _unique(ops: Sequence[Op], among: set[int], rename: Callable[[str], str]) -> dict[str, int]:
    names = {i: rename(ops[i].name) for i in among}
    counts = Counter(names.values())
    return {name: i for i, name in names.items() if counts[name] == 1}


def _by_place(before: Sequence[Op], after: Sequence[Op], pairs: Mapping[int, int]) -> Iterator[Match]:
    """Align what has no partner of its name and type, between the ops that share a name.

    Those stand in both sequences under one token, so that an alignment never crosses them; the others stand under
    their type. Where a name went over to an op of another type, the ops right before it belong to it: a convolution whose
    activation was fused has the activation's name.
    """
    partners = {j: i for i, j in pairs.items()}
    left = [f"={i}" if i in pairs else op.type for i, op in enumerate(before)]
    right = [f"={partners[j]}" if j in partners else op.type for j, op in enumerate(after)]
    gone: list[Op] = []
    new: list[Op] = []
    moved = {i for i, j in pairs.items() if before[i].type != after[j].type}
    for tag, i0, i1, j0, j1 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from _unpaired(gone, new)
            gone = [before[i] for i in range(i0, i1) if i not in pairs]
            new = [after[j] for j in range(j0, j1) if j not in partners]
            continue
        for i, j in zip(range(i0, i1), range(j0, j1), strict=True):
            if before[i].type == after[j].type:
                yield from _unpaired(gone, new)
                if i not in pairs:
                    yield Match(Matched.PLACE, (before[i],), (after[j],))
            else:
                yield Match(Matched.REPLACED, (*gone, before[i]), (*new, after[j]))
                moved.discard(i)
            gone, new = [], []
    yield from _unpaired(gone, new)
    yield from (Match(Matched.REPLACED, (before[i],), (after[pairs[i]],)) for i in sorted(moved))


def _unpaired(gone: Sequence[Op], new: Sequence[Op]) -> Iterator[Match]:
    """What stands between two ops that both sides have, on one side or on both; as many as before, one for one."""
    if len(gone) == len(new):
        yield from (Match(Matched.REPLACED, (old,), (op,)) for old, op in zip(gone, new, strict=True))
    elif gone and new:
        yield Match(Matched.REPLACED, tuple(gone), tuple(new))
    else:
        yield from (Match(Matched.REMOVED, (op,), ()) for op in gone)
        yield from (Match(Matched.ADDED, (), (op,)) for op in new)
