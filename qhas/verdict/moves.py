"""Whether devices, or the whole rack, have moved tonight, and what that explains.

A device moves everything that runs on it. Two witnesses are consulted, and either may show a move: the control cells
of the device (models tagged `control`, which nobody changes), if one of them is beyond its noise; and the median of
all its cells whose graphs are unchanged, if there are at least five. If a device has fewer, the devices of the rack
are consulted together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from qhas.profile.figures import HEADLINE
from qhas.units import percent, signed
from qhas.verdict.judgement import Moved
from qhas.verdict.look import BEYOND, EFFECT, Look
from qhas.verdict.point import Block, SeriesKey

_QUORUM = 5
"""The fewest cells that speak for a device."""
_SLIGHT = EFFECT / 3
"""The smallest move of many cells together: it shows below what shows in one cell alone."""
_DEVICES = 2
"""The fewest devices that make a rack."""
_AGREE = 2 / 3
"""The share of the devices that must move for the rack to have moved."""


@dataclass
class _Witnesses:
    """The cells on a device whose graphs are unchanged."""

    controls: list[Look] = field(default_factory=list)
    all: list[Look] = field(default_factory=list)
    control: str = ""

    @property
    def off(self) -> float:
        return median(look.alone for look in self.all)

    @property
    def spread(self) -> float:
        """The standard error of the median."""
        error = median(look.error for look in self.all)
        return error * math.sqrt(math.pi / 2 / len(self.all))


@dataclass(frozen=True)
class Moves:
    """Tonight's moves by device; a device that was checked and has none has not moved."""

    by_device: Mapping[Block, list[Moved]]

    def explains(self, look: Look) -> Moved | None:
        """Return the move of its device that explains a look, if one does; only an unchanged graph can be explained."""
        if not look.same_graph:
            return None
        moves = self.by_device.get(look.point.block, ())
        near = [moved for moved in moves if is_explained(look, moved)]
        return min(near, key=lambda moved: abs(look.off - moved.off), default=None)


def is_explained(look: Look, moved: Moved) -> bool:
    """Whether a cell does what its device does."""
    off = min((look.off, look.alone), key=lambda candidate: abs(candidate - moved.off))
    return abs(off - moved.off) < max(EFFECT, BEYOND * look.error)


def moves_of(looks: Mapping[SeriesKey, Look]) -> Moves:
    """Return what the cells of a night show about their devices."""
    witnesses = _witnesses(looks)
    rack = _of_rack(witnesses.values())
    moves: dict[Block, list[Moved]] = {}
    for block, cells in witnesses.items():
        candidates = [_of_controls(cells), _of_quorum(cells) if len(cells.all) >= _QUORUM else rack]
        asked = bool(cells.controls) or len(cells.all) >= _QUORUM or rack is not None
        if asked:
            moves[block] = [moved for moved in candidates if moved]
    return Moves(moves)


def _witnesses(looks: Mapping[SeriesKey, Look]) -> dict[Block, _Witnesses]:
    witnesses: dict[Block, _Witnesses] = defaultdict(_Witnesses)
    for key, look in looks.items():
        if look.same_graph and not look.poor and key.metric is HEADLINE[key.origin]:
            cells = witnesses[look.point.block]
            cells.all.append(look)
            if look.point.control:
                cells.controls.append(look)
                cells.control = key.network
    return witnesses


def _of_controls(cells: _Witnesses) -> Moved | None:
    if not any(look.beyond for look in cells.controls):
        return None
    off = median(look.off for look in cells.controls)
    return _moved(off, f"control cell {cells.control} moved", cells) if abs(off) >= EFFECT else None


def _of_quorum(cells: _Witnesses) -> Moved | None:
    if abs(cells.off) < max(_SLIGHT, BEYOND * cells.spread):
        return None
    return _moved(cells.off, f"the median of {len(cells.all)} cells with unchanged graphs moved", cells)


def _of_rack(devices: Iterable[_Witnesses]) -> Moved | None:
    witnesses = list(devices)
    cells = [look for each in witnesses for look in each.all]
    if len(witnesses) < _DEVICES or len(cells) < _QUORUM:
        return None
    off, spread = median(each.off for each in witnesses), _Witnesses(all=cells).spread
    with_it = sum(each.off * off > 0 and abs(each.off) >= _SLIGHT for each in witnesses)
    if abs(off) < max(_SLIGHT, BEYOND * spread) or with_it < _AGREE * len(witnesses):
        return None
    return Moved(off, f"{with_it} of {len(witnesses)} devices moved, by a median of {_percent(off)}")


def _moved(off: float, who: str, cells: _Witnesses) -> Moved:
    point = cells.all[0].point
    return Moved(off, f"{who} {_percent(off)} on {point.device or point.block.serial}")


def _percent(off: float) -> str:
    return signed(100 * math.expm1(off), percent)
