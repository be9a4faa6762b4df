"""Which op of one network is which of the other: by name, then by type and place where names moved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    matched = [Match(Matched.NAME, (before[i],), (after[j],)) for i, j in pairs.items()]
    return matched + list(_by_place(before, after, pairs))


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


def _by_place(before: Sequence[Op], after: Sequence[Op], pairs: dict[int, int]) -> Iterator[Match]:
    """Align what is left between the ops that have a partner already.

    A partner stands in both sequences under one token, so an alignment never crosses it; the others stand under their type.
    """
    partners = {j: i for i, j in pairs.items()}
    left = [f"={i}" if i in pairs else op.type for i, op in enumerate(before)]
    right = [f"={partners[j]}" if j in partners else op.type for j, op in enumerate(after)]
    for tag, i0, i1, j0, j1 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        gone = [before[i] for i in range(i0, i1) if i not in pairs]
        new = [after[j] for j in range(j0, j1) if j not in partners]
        if tag == "equal":
            yield from (Match(Matched.PLACE, (old,), (op,)) for old, op in zip(gone, new, strict=True))
        elif gone and new:
            yield Match(Matched.REPLACED, tuple(gone), tuple(new))
        else:
            yield from (Match(Matched.REMOVED, (op,), ()) for op in gone)
            yield from (Match(Matched.ADDED, (), (op,)) for op in new)
