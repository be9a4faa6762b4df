"""Matching of the ops of two networks: by name, then by type and place where names moved.

Ops of the network are never matched with those that the compiler adds (inputs, outputs, constants, services).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, Protocol, TypeVar

from qhas.diff.model import Matched, OpEffect
from qhas.diff.ops import Op
from qhas.profile.op_names import lasting_name, moving_numbers, of_network


class Named(Protocol):
    """An op, of a profile or of a DLC."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


AnOp = TypeVar("AnOp", bound=Named)


@dataclass(frozen=True)
class Match(Generic[AnOp]):
    """Ops that are the same on both sides or replace each other; one side is empty for a new or removed op."""

    how: Matched
    before: tuple[AnOp, ...]
    after: tuple[AnOp, ...]
    known: bool = False
    """Whether the DLCs show what their author changed in it: that is `effect`, None for nothing."""
    effect: OpEffect | None = None


def match(before: Sequence[Op], after: Sequence[Op]) -> list[Match[Op]]:
    """Put every op of both sides into exactly one match."""
    return [
        pair
        for networks in (True, False)
        for pair in _match(
            *([op for op in ops if of_network(op.type) is networks] for ops in (before, after))
        )
    ]


def _match(before: Sequence[Op], after: Sequence[Op]) -> Iterator[Match[Op]]:
    named = _by_name(before, after)
    moved = any(_likeness(before[i]) != _likeness(after[j]) for i, j in named.items())
    return placed(before, after, (moved and _in_order(before, after)) or named)


def _likeness(op: Op) -> tuple[str, str | None, int | None]:
    return op.type, op.data_type, op.elements


def _in_order(before: Sequence[Op], after: Sequence[Op]) -> dict[int, int] | None:
    """Pair ops by place if ops were only inserted or only removed, and all others are alike in their order.

    Then it is the names that moved, as an exporter's numbers do. Return None otherwise.
    """
    if _first(after, before):
        turned = _in_order(after, before)
        return None if turned is None else dict(sorted((j, i) for i, j in turned.items()))
    matcher = SequenceMatcher(None, [*map(_likeness, before)], [*map(_likeness, after)], autojunk=False)
    blocks = matcher.get_opcodes()
    if {tag for tag, *_ in blocks} not in ({"equal"}, {"equal", "insert"}, {"equal", "delete"}):
        return None
    return {
        i: j
        for tag, i0, i1, j0, j1 in blocks
        if tag == "equal"
        for i, j in zip(range(i0, i1), range(j0, j1), strict=True)
    }


def placed(before: Sequence[AnOp], after: Sequence[AnOp], pairs: Mapping[int, int]) -> Iterator[Match[AnOp]]:
    """Yield the given pairs of positions as matches, and match the remaining ops by their place between them.

    An alignment of two sequences depends on which comes first: it is computed one way, and reversed for the other.
    """
    if _first(after, before):
        yield from map(_turned, _placed(after, before, dict(sorted((j, i) for i, j in pairs.items()))))
    else:
        yield from _placed(before, after, pairs)


def _first(first: Sequence[Named], second: Sequence[Named]) -> bool:
    return [(op.type, op.name) for op in first] < [(op.type, op.name) for op in second]


def _turned(pair: Match[AnOp]) -> Match[AnOp]:
    opposite = {Matched.ADDED: Matched.REMOVED, Matched.REMOVED: Matched.ADDED}
    return Match(opposite.get(pair.how, pair.how), pair.after, pair.before)


def _placed(before: Sequence[AnOp], after: Sequence[AnOp], pairs: Mapping[int, int]) -> Iterator[Match[AnOp]]:
    names = Counter(lasting_name(op.name) for op in before)
    for i, j in pairs.items():
        if before[i].type == after[j].type:
            yield Match(_how(before[i], after[j], names), (before[i],), (after[j],))
    yield from _by_place(before, after, pairs)


def _how(old: Named, new: Named, names: Mapping[str, int]) -> Matched:
    """Return how two ops were matched: among several with one lasting name, only place identifies an op."""
    alone = names[lasting_name(old.name)] == 1 and lasting_name(old.name) == lasting_name(new.name)
    return Matched.NAME if alone or old.name == new.name else Matched.PLACE


def same_topology(before: Sequence[Op], after: Sequence[Op]) -> bool:
    """Whether the ops that both sides name are at the same places in the network.

    Inserting or removing an op moves those behind it. If nothing moved, an op that only one side has is in both
    networks, and one compiler made no HTP op from it. For an op behind all others this cannot be known: the answer is
    False.
    """
    old, new = _places(before), _places(after)
    common = old.keys() & new.keys()
    if not common or any(old[name] != new[name] for name in common):
        return False
    last = max(old[name] for name in common)
    return all(places[name] < last for places in (old, new) for name in places.keys() - common)


def _places(ops: Sequence[Op]) -> dict[tuple[str, int], int]:
    """Return the places of the network's ops, keyed by lasting name and number among those that share it."""
    places: dict[str, list[int]] = defaultdict(list)
    for op in ops:
        if op.place is not None and of_network(op.type):
            places[lasting_name(op.name)].append(op.place)
    return {(name, nth): place for name, each in places.items() for nth, place in enumerate(sorted(each))}


def _by_name(before: Sequence[Op], after: Sequence[Op]) -> dict[int, int]:
    """Return pairs of positions by lasting name.

    If several ops share one and have the same types on both sides, their numbers give the order; otherwise only ops
    with exactly the same name are paired.
    """
    old, new = _by_lasting_name(before), _by_lasting_name(after)
    pairs: dict[int, int] = {}
    for name in old.keys() & new.keys():
        left, right = old[name], new[name]
        if len(left) == len(right) == 1 or _types(before, left) == _types(after, right):
            pairs.update(zip(left, right, strict=True))
        else:
            here, there = _unique(before, left), _unique(after, right)
            pairs.update((here[same], there[same]) for same in here.keys() & there.keys())
    return dict(sorted(pairs.items()))


def _by_lasting_name(ops: Sequence[Op]) -> dict[str, list[int]]:
    """Return the positions of the ops for each lasting name: by type, then in the order of the network."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(ops)), key=lambda i: (ops[i].type, moving_numbers(ops[i].name))):
        groups[lasting_name(ops[i].name)].append(i)
    return groups


def _types(ops: Sequence[Op], among: Sequence[int]) -> list[str]:
    return [ops[i].type for i in among]


def _unique(ops: Sequence[Op], among: Sequence[int]) -> dict[str, int]:
    counts = Counter(ops[i].name for i in among)
    return {ops[i].name: i for i in among if counts[ops[i].name] == 1}


def _by_place(
    before: Sequence[AnOp], after: Sequence[AnOp], pairs: Mapping[int, int]
) -> Iterator[Match[AnOp]]:
    """Align the ops that have no partner of their name and type, between the pairs that share a name.

    Each pair has one token in both sequences, so that an alignment never crosses it; the token of any other op is its
    type. If a name passed to an op of another type, the ops right before it belong to it: a convolution whose
    activation was fused has the activation's name.
    """
    partners = {j: i for i, j in pairs.items()}
    left = [f"={i}" if i in pairs else op.type for i, op in enumerate(before)]
    right = [f"={partners[j]}" if j in partners else op.type for j, op in enumerate(after)]
    gone: list[AnOp] = []
    new: list[AnOp] = []
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


def _unpaired(gone: Sequence[AnOp], new: Sequence[AnOp]) -> Iterator[Match[AnOp]]:
    """Match the ops between two that both sides have: one for one, if there are equally many on both sides."""
    if len(gone) == len(new):
        yield from (Match(Matched.REPLACED, (old,), (op,)) for old, op in zip(gone, new, strict=True))
    elif gone and new:
        yield Match(Matched.REPLACED, tuple(gone), tuple(new))
    else:
        yield from (Match(Matched.REMOVED, (op,), ()) for op in gone)
        yield from (Match(Matched.ADDED, (), (op,)) for op in new)
