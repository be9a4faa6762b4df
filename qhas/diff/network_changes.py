"""How the networks of two DLCs differ: what their author changed, without what merely follows from it.

A larger input makes every tensor behind it larger: one change, not a hundred. So an op is reported for what is its own
(attributes, what its weights alone decide, a data type), and for another shape only if its inputs do not cause it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qhas.diff.alignment import Node, align, nodes_of
from qhas.diff.matching import Match
from qhas.diff.model import Matched, OpEffect
from qhas.network.network import Attribute, Network, Role, Tensor, alike_read

_KERNELS = frozenset({"Conv2d", "DepthWiseConv2d", "TransposeConv2d", "Conv3d"})
"""Ops whose weights are ordered by kernel height, width, input channels, output channels (`QnnOpDef.h`)."""
_OF_EACH_CHANNEL = "DepthWiseConv2d"
_BIASED = _KERNELS | {"FullyConnected", "MatMul"}
_KERNEL_RANK = 4
OTHER_WEIGHTS, OTHER_SCALES = "different weights", "different scales of quantised tensors"
_OF_CHANNELS = "of "
_OFFSET = re.compile(r"offset (-?\d+)$")
_NOW_BELOW = "that reach below zero (as without a folded ReLU)"
_NO_LONGER_BELOW = "that no longer reach below zero (as with a folded ReLU)"
_BORDER = -1
"""Stands for an input of the graph where ops are given by their position."""
_CALLED: Mapping[str, str] = {
    "pad_amount": "padding",
    "group": "groups",
    "filter_size": "window",
    "packageName": "op package",
}
"""Common names of the vendor's attributes; others keep the vendor's name."""
_BY_X = frozenset({"dilation", "stride", "filter_size"})


SAME_OP = frozenset({Matched.NAME, Matched.PLACE})
"""How an op that both networks have is matched."""


class Aspect(StrEnum):
    """What changed in an op, the most explanatory first."""

    ATTRIBUTE = "attribute"
    """One of its parameters: dilation, stride, groups, an activation."""
    WEIGHTS_SHAPE = "weights_shape"
    """Kernel or output channels."""
    SHAPE = "shape"
    """The shape of its results, if nothing before it explains the change."""
    WIRING = "wiring"
    """The ops that it reads."""
    DATA_TYPE = "data_type"
    WEIGHTS = "weights"
    """Other values of the same shape."""
    ENCODING = "encoding"
    """Other scales or offsets."""


class Change(NamedTuple):
    """One change in an op that both networks have; `phrase` is worded as in `dilation 1x1 → 4x4`."""

    aspect: Aspect
    phrase: str


@dataclass(frozen=True)
class OpChange:
    """An op of both networks, or ops that replace each other, and what changed in it."""

    match: Match[Node]
    changes: tuple[Change, ...] = ()
    grew: bool = False
    """Whether its results have another shape, through its own change or one before it."""
    retyped: tuple[str, str] | None = None
    """The data types, before and after, of its first result whose type changed."""

    def has(self, *aspects: Aspect) -> bool:
        """Whether any of these aspects changed."""
        return any(change.aspect in aspects for change in self.changes)

    @property
    def effect(self) -> OpEffect | None:
        """What happened to it in the network; None if nothing did."""
        if self.retyped:
            return OpEffect.DATA_TYPE
        if self.has(Aspect.ATTRIBUTE, Aspect.WEIGHTS_SHAPE):
            return OpEffect.ATTRIBUTES
        return OpEffect.RESHAPED if self.grew else None


@dataclass(frozen=True)
class NetworkDiff:
    """The difference of two networks, op by op.

    `borders` are changes that the application sees, as in `input x 1x3x224x224 → 1x3x232x232`.
    """

    ops: tuple[OpChange, ...]
    borders: tuple[str, ...] = ()
    retyped_borders: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both networks are the same, regardless of names."""
        return (
            not self.borders
            and not self.retyped_borders
            and all(op.match.how in SAME_OP and not op.changes for op in self.ops)
        )


def network_diff(before: Network, after: Network) -> NetworkDiff:
    """Return what changed from one network to the other."""
    before, after = alike_read(before, after)
    old, new = nodes_of(before), nodes_of(after)
    matches = align(old, new)
    resized, retyped = _borders(before, after)
    partners = _partners(matches, old, new)
    return NetworkDiff(
        ops=tuple(_op_change(match, partners) for match in matches),
        borders=tuple(resized),
        retyped_borders=tuple(retyped),
    )


class _Partners(NamedTuple):
    """Positions of paired ops: `of` maps those before to those after, which are also in `taken`."""

    of: dict[int, int]
    taken: set[int]


def _partners(matches: Sequence[Match[Node]], old: Sequence[Node], new: Sequence[Node]) -> _Partners:
    """Find the positions of paired ops by identity: equal ops are not the same op."""
    before, after = ({id(node): place for place, node in enumerate(nodes)} for nodes in (old, new))
    of = {before[id(match.before[0])]: after[id(match.after[0])] for match in matches if match.how in SAME_OP}
    return _Partners(of, set(of.values()))


def _borders(before: Network, after: Network) -> tuple[list[str], list[str]]:
    """Return changes in the application's inputs and outputs: number and input shapes, then data types."""
    resized, retyped = list[str](), list[str]()
    for role in Role:
        old, new = (_of_role(network, role) for network in (before, after))
        if not old.keys() & new.keys() and len(old) == len(new):
            old = dict(zip(new, old.values(), strict=True))  # all were renamed
        resized += [f"{role} {name} removed" for name in old.keys() - new.keys()]
        resized += [f"{role} {name} added" for name in new.keys() - old.keys()]
        for name in [name for name in old if name in new]:
            earlier, later = old[name], new[name]
            if role is Role.INPUT and earlier.shape != later.shape:
                resized.append(f"{role} {name} {_by_x(earlier.shape)} → {_by_x(later.shape)}")
            if earlier.dtype != later.dtype:
                retyped.append(f"{role} {name} {earlier.dtype} → {later.dtype}")
    return resized, retyped


def _of_role(network: Network, role: Role) -> dict[str, Tensor]:
    return {
        tensor.name: tensor for graph in network.graphs for tensor in graph.tensors if tensor.role is role
    }


def _op_change(match: Match[Node], partners: _Partners) -> OpChange:
    if match.how not in SAME_OP:
        return OpChange(match)
    (old,), (new,) = match.before, match.after
    return OpChange(
        match,
        changes=tuple(_changes(old, new, partners)),
        grew=[tensor.shape for tensor in old.outputs] != [tensor.shape for tensor in new.outputs],
        retyped=_retyped(old, new),
    )


def _retyped(old: Node, new: Node) -> tuple[str, str] | None:
    """Return the first change of data type among results that both have; `_counts` compares their number."""
    pairs = ((one.dtype, other.dtype) for one, other in zip(old.outputs, new.outputs, strict=False))
    return next(((one, other) for one, other in pairs if one != other), None)


def _changes(old: Node, new: Node, partners: _Partners) -> Iterator[Change]:
    own = list(_attributes(old, new))
    own += _weights_shapes(old, new)
    own += _counts(old, new)
    yield from own
    sizes = ([t.shape for t in side.outputs] for side in (old, new))
    brought = [t.shape for t in old.inputs] != [t.shape for t in new.inputs]
    if not own and not brought:
        for before, after in zip(*sizes, strict=False):
            if before != after:
                yield Change(Aspect.SHAPE, f"shape {_by_x(before)} → {_by_x(after)}")
    if wiring := _wiring(old, new, partners):
        yield Change(Aspect.WIRING, wiring)
    if types := _retyped(old, new):
        yield Change(Aspect.DATA_TYPE, f"data type {types[0]} → {types[1]}")
    yield from _values(old, new)


def _attributes(old: Node, new: Node) -> Iterator[Change]:
    before, after = old.op.attributes, new.op.attributes
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            called = "activation" if _is_activation(name, old) else _CALLED.get(name, name.replace("_", " "))
            values = [_shown(name, side.get(name)) for side in (before, after)]
            phrase = (
                f"{called} {values[0]} → {values[1]}" if values[0] != values[1] else f"different {called}"
            )
            yield Change(Aspect.ATTRIBUTE, phrase)


def _is_activation(name: str, node: Node) -> bool:
    return name == "operation" and node.type == "ElementWiseNeuron"


def _weights_shapes(old: Node, new: Node) -> Iterator[Change]:
    """Yield changes that the inputs do not cause: other input channels are another op's output channels."""
    brought = {
        pair
        for earlier, later in zip(old.inputs, new.inputs, strict=False)
        for pair in zip(earlier.shape, later.shape, strict=False)
    }
    for before, after in zip(_matrices(old), _matrices(new), strict=False):
        parts = [("weights", before, after)]
        if old.type in _KERNELS and len(before) == len(after) >= _KERNEL_RANK:
            parts = [
                ("kernel", before[:-2], after[:-2]),
                ("output channels", before[-1:], after[-1:]),
            ]
        for part, earlier, later in parts:
            moved = [pair for pair in zip(earlier, later, strict=False) if pair[0] != pair[1]]
            chosen = part == "output channels" and old.type != _OF_EACH_CHANNEL
            if len(earlier) != len(later) or any(chosen or pair not in brought for pair in moved):
                yield Change(Aspect.WEIGHTS_SHAPE, f"{part} {_by_x(earlier)} → {_by_x(later)}")


def _counts(old: Node, new: Node) -> Iterator[Change]:
    """Compare the number of constants, if the number of inputs is unchanged, and of results."""
    before, after = len(old.constants), len(new.constants)
    if before != after and len(old.sources) == len(new.sources):
        biased = old.type in _BIASED and {before, after} == {1, 2}
        changed = "added" if before < after else "removed"
        yield Change(Aspect.WEIGHTS_SHAPE, f"bias {changed}" if biased else f"{before} → {after} constants")
    if len(old.outputs) != len(new.outputs):
        yield Change(Aspect.SHAPE, f"{len(old.outputs)} → {len(new.outputs)} results")


def _matrices(node: Node) -> list[tuple[int, ...]]:
    """Return the shapes of its constants, without vectors if there are others: a bias follows from those."""
    shapes = [tensor.shape for tensor in node.constants]
    return [shape for shape in shapes if len(shape) > 1] or shapes


def _wiring(old: Node, new: Node, partners: _Partners) -> str | None:
    """Describe how its inputs changed among ops that both networks have; the others are reported themselves."""
    if len(old.sources) != len(new.sources):
        return f"{len(old.sources)} → {len(new.sources)} inputs"
    wrong = [
        (partners.of.get(one, _BORDER), other)
        for one, other in (
            (_place(one), _place(other)) for one, other in zip(old.sources, new.sources, strict=True)
        )
        if (one == _BORDER or one in partners.of)
        and (other == _BORDER or other in partners.taken)
        and partners.of.get(one, _BORDER) != other
    ]
    if not wrong:
        return None
    swapped = {one for one, _ in wrong} == {other for _, other in wrong}
    return "inputs in a different order" if swapped else "reading from different ops"


def _place(source: int | None) -> int:
    return _BORDER if source is None else source


def _values(old: Node, new: Node) -> Iterator[Change]:
    """Compare values and encodings, if all constants kept shape and type: otherwise they follow the change."""
    constants = list(zip(old.constants, new.constants, strict=False))
    if any((before.shape, before.dtype) != (after.shape, after.dtype) for before, after in constants):
        return
    if by_channel := _grain(constants):
        yield Change(Aspect.ENCODING, by_channel)
    elif any(before.weights != after.weights and not _rescaled(before, after) for before, after in constants):
        yield Change(Aspect.WEIGHTS, OTHER_WEIGHTS if old.type in _BIASED else "different constants")
    results = list(zip(old.outputs, new.outputs, strict=False))
    follows = old.type not in _BIASED and _below_zero(zip(old.inputs, new.inputs, strict=False))
    if not follows and (below := _below_zero(results)):
        yield Change(Aspect.ENCODING, below)
    elif any(
        before.encoding != after.encoding
        for before, after in (*constants, *results)
        if before.dtype == after.dtype
    ):
        yield Change(Aspect.ENCODING, OTHER_SCALES)


def _grain(constants: Iterable[tuple[Tensor, Tensor]]) -> str | None:
    """Describe constants quantised by channel on one side only: their stored numbers are then incomparable."""
    for old, new in constants:
        if old.encoding and new.encoding:
            channels = [tensor.encoding.startswith(_OF_CHANNELS) for tensor in (old, new) if tensor.encoding]
            if channels[0] != channels[1]:
                return f"weights quantised by {'tensor' if channels[0] else 'channel'}"
    return None


def _below_zero(results: Iterable[tuple[Tensor, Tensor]]) -> str | None:
    """Describe same-type results below zero on one side only: the converter folds a ReLU into the op before it."""
    for old, new in results:
        before, after = (_OFFSET.search(tensor.encoding or "") for tensor in (old, new))
        if old.dtype == new.dtype and old.dtype.startswith("UFixed") and before and after:
            reached, reaches = (int(offset[1]) < 0 for offset in (before, after))
            if reached != reaches:
                return f"results {_NOW_BELOW if reaches else _NO_LONGER_BELOW}"
    return None


def _rescaled(before: Tensor, after: Tensor) -> bool:
    """Whether it may be the same bias: stored in units of its inputs' scales, it changes with calibration."""
    return len(before.shape) == 1 and before.encoding != after.encoding


def _shown(name: str, value: Attribute | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return _by_x(value) if name in _BY_X else ",".join(map(str, value))
    return str(value)


def _by_x(numbers: Sequence[float]) -> str:
    return "x".join(map(str, numbers))
