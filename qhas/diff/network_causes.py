"""Differences between two DLCs' networks, as circumstances of a comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from qhas.diff.model import Circumstance, CircumstanceKind, Matched, Source
from qhas.diff.network_changes import OTHER_SCALES, SAME_OP, Aspect, NetworkDiff, OpChange
from qhas.diff.op_words import counted, several, titled, within

Kind = CircumstanceKind

_SHOWN = 3
"""Number of groups of ops that are named; the rest are summed up as `more`."""
_PHRASES = 3
"""Number of changes that are named for one op."""
_CONVERTERS = frozenset({"Quantize", "Dequantize", "Cast", "Convert"})
"""Ops that come and go with a data type."""
_OWN = (Aspect.ATTRIBUTE, Aspect.WEIGHTS_SHAPE, Aspect.SHAPE)
_OF_STRUCTURE = tuple(
    aspect for aspect in Aspect if aspect not in (Aspect.DATA_TYPE, Aspect.WEIGHTS, Aspect.ENCODING)
)


def network_causes(diff: NetworkDiff, modules: Mapping[str, str | None] | None = None) -> list[Circumstance]:
    """List the circumstances, the most explanatory first; for the same network, that only the DLC's bytes differ.

    `modules` holds paths of modules keyed by names of ops, as far as they are known.
    """
    if diff.same:
        sentence = "different bytes in the DLC, with the same ops, shapes and weights"
        return [Circumstance(kind=Kind.DLC_BYTES, source=Source.RECORD, sentence=sentence, explains=False)]
    data_type = list(_data_types(diff))
    structure = list(_structure(diff, modules or {}, retyped=bool(data_type)))
    return [*data_type, *structure, *_values(diff, rebuilt=bool(data_type or structure))]


def _data_types(diff: NetworkDiff) -> Iterator[Circumstance]:
    """Yield the change of data type that most ops made; if none did, the first at the network's borders."""
    paired = [op for op in diff.ops if op.match.how in SAME_OP]
    changes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for op in paired:
        if op.retyped:
            changes[op.retyped].append(op.match.after[0].name)
    if not changes:
        yield from (_stated(Kind.DATA_TYPE, phrase) for phrase in diff.retyped_borders[:1])
        return
    (before, after), ops = max(changes.items(), key=lambda item: (len(item[1]), item[0]))
    sentence = f"data type {before} → {after} in {len(ops)} of {len(paired)} ops"
    yield _stated(Kind.DATA_TYPE, sentence, ops).model_copy(update={"before": before, "after": after})


def _structure(
    diff: NetworkDiff, modules: Mapping[str, str | None], *, retyped: bool
) -> Iterator[Circumstance]:
    phrases, ops = list(diff.borders), list[str]()
    rewired = [op for op in diff.ops if op.has(Aspect.WIRING) and not op.has(*_OWN)]
    changed = [op for op in diff.ops if op.has(*_OWN)]
    groups = [*_changed(changed), *_moved(diff.ops, retyped=retyped), *_changed(rewired)]
    for phrase, names in groups:
        each = [name for joined in names for name in joined.split(" + ")]
        phrases.append(phrase + within(map(modules.get, each)))
        ops += names
    if len(phrases) > _SHOWN:
        more = len(phrases) - _SHOWN
        phrases = [*phrases[:_SHOWN], f"{more} more change{'s' if more > 1 else ''}"]
    if phrases:
        yield _stated(Kind.NETWORK, f"network: {', '.join(phrases)}", ops)


def _changed(ops: Iterable[OpChange]) -> Iterator[tuple[str, list[str]]]:
    """Group the ops of both networks that changed alike, as in `dilation 1x1 → 4x4 in 2 Conv2d`.

    The most explanatory aspect comes first, then the largest group.
    """
    groups: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for op in ops:
        structural = [change for change in op.changes if change.aspect in _OF_STRUCTURE]
        if structural:
            rank = min(_OF_STRUCTURE.index(change.aspect) for change in structural)
            phrases = " and ".join(change.phrase for change in structural[:_PHRASES])
            groups[rank, phrases, op.match.after[0].type].append(op.match.after[0].name)
    for (_, phrases, kind), names in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))):
        yield f"{phrases} in {_who(kind, names)}", names


def _moved(ops: Iterable[OpChange], *, retyped: bool) -> Iterator[tuple[str, list[str]]]:
    """Group ops that replace each other, as in `2 HardSwish became Add + Clip + Mul`; then those added or removed."""
    groups: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for op in ops:
        old, new = op.match.before, op.match.after
        if op.match.how in SAME_OP or (retyped and all(node.type in _CONVERTERS for node in (*old, *new))):
            continue
        names = [node.name for node in new or old]
        if op.match.how is Matched.REPLACED:
            groups[0, counted([node.type for node in old]), f"became {counted([n.type for n in new])}"] += [
                " + ".join(names)
            ]
        else:
            rank, verb = (1, "added") if op.match.how is Matched.ADDED else (2, "removed")
            groups[rank, (new or old)[0].type, verb] += names
    for (_, kind, verb), names in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))):
        of_several = len(names) == 1 and " + " in kind + verb
        yield f"{several(len(names), kind) if of_several else _who(kind, names)} {verb}", names


def _values(diff: NetworkDiff, *, rebuilt: bool) -> Iterator[Circumstance]:
    """Yield changes of weights and quantisation in otherwise unchanged ops.

    Other scales follow from any other change, so they are reported only if they are the only one.
    """
    paired = [op for op in diff.ops if op.match.how in SAME_OP]
    others = [op for op in paired if not op.has(*_OF_STRUCTURE, Aspect.DATA_TYPE)]
    groups: dict[str, list[str]] = defaultdict(list)
    for op in others:
        for change in op.changes:
            groups[change.phrase].append(op.match.after[0].name)
    if rebuilt or len(groups) > 1:
        groups.pop(OTHER_SCALES, None)
    phrases = [
        f"{phrase} in {len(names)} of {len(paired)} ops"
        for phrase, names in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]
    if phrases:
        ops = dict.fromkeys(name for names in groups.values() for name in names)
        yield _stated(Kind.WEIGHTS, ", ".join(phrases), ops)


def _who(kind: str, names: Sequence[str]) -> str:
    return several(len(names), kind) if len(names) > 1 else titled(kind, names[0])


def _stated(kind: CircumstanceKind, sentence: str, ops: Iterable[str] = ()) -> Circumstance:
    return Circumstance(kind=kind, source=Source.RECORD, sentence=sentence, ops=list(ops))
