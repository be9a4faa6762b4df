"""A night of a noisy figure compared with its level: how far off it is, and how certain that is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import NamedTuple

from qhas.verdict.noise import MEDIAN_VARIANCE, Scale, mean_variance, persistence, scale
from qhas.verdict.point import Again, Block, Point

EFFECT = math.log(1.03)
"""Smaller changes are not worth a morning, however certain they are."""
BEYOND = 3.5
"""Standard errors from which on a change is suspicious."""
CONFIRMED = 2.5
"""Standard errors that confirm a change in a requested re-run, which is one test and not hundreds."""
WINDOWS = (1, 2, 5)
"""Numbers of nights that are tested together: for a step, a smaller step, a drift."""
JUST_BEFORE = 8
_STANDS_OUT = 0.7
"""The share of itself by which a step must stand out from the `JUST_BEFORE` nights before it, too.

The share is larger the more nights resemble the one before.
"""
LEAST_NIGHTS = 5
LEAST_OF_DEVICE = 3
HOTTER = 8.0
"""Degrees above the usual starting temperature from which on a slow figure says nothing."""


@dataclass(frozen=True)
class Seen:
    """A good night of the look-back."""

    point: Point
    era: int
    log: float


class Slow(NamedTuple):
    """Past nights that were about as slow: how many, and in how many spells."""

    nights: int = 0
    spells: int = 0

    def __add__(self, other: Slow) -> Slow:  # type: ignore[override]  # adds counts, not tuples
        return Slow(self.nights + other.nights, self.spells + other.spells)


_NEVER = Slow()


@dataclass(frozen=True)
class Look:
    """A night compared with its level. `off` is the change, `z` the same in standard errors; negative means faster."""

    point: Point
    level: float
    nights: int
    off: float
    z: float
    scale: Scale
    alone: float = 0.0
    """The change of tonight alone, if `off` is that of a window."""
    resembling: float = 0.0
    """How much each night resembles the one before."""
    sudden: bool = True
    """Whether it is as far from the nights just before: what builds up over weeks is a season or a drift, not a step."""
    window: int = 1
    since: Point | None = None
    before: Point | None = None
    """The last night that the level is made from."""
    known: int = 0
    """The number of nights before, of all eras of the look-back."""
    slow: Slow = _NEVER
    poor: tuple[str, ...] = ()

    @property
    def beyond(self) -> bool:
        """Whether it is large, larger than the noise, and a step."""
        return abs(self.off) >= EFFECT and abs(self.z) >= BEYOND and self.sudden

    @property
    def excused(self) -> bool:
        """Whether the conditions were poor, and no re-run in good ones followed."""
        again = self.point.again
        return bool(self.poor) and (again is None or bool(again.poor))

    @property
    def same_graph(self) -> bool:
        """Whether the graph is the same as before."""
        return self.before is not None and self.point.same_graph(self.before)

    def confirmed_by(self, again: Again, levels: Mapping[Block, float]) -> bool:
        """Whether a re-run says the same, compared with the level of its own device."""
        off = math.log(again.value) - levels.get(again.block, self.level)
        along = off * math.copysign(1, self.off)
        error = self.scale.sigma * math.sqrt(1 + MEDIAN_VARIANCE / self.nights)
        return along >= max(EFFECT / 2, CONFIRMED * error) and fmean((along, abs(self.off))) >= EFFECT

    @property
    def error(self) -> float:
        """One standard error."""
        return abs(self.off / self.z) if self.z else self.scale.sigma


def window(seen: Sequence[Seen], era: int, point: Point, nights: int) -> Look | None:
    """Compare the night and those just before it, together, with the nights before them.

    None if there are too few nights, or if those of the window are not all of this era and in one direction.
    """
    cut = len(seen) - (nights - 1)
    base, recent = seen[: max(0, cut)], seen[max(0, cut) :]
    if cut < LEAST_NIGHTS or any(night.era != era for night in recent):
        return None
    groups = {key: values for key, values in groups_of(base).items() if len(values) >= LEAST_OF_DEVICE}
    middles = {key: median(values) for key, values in groups.items()}
    levels = {block: middle for (block, of), middle in middles.items() if of == era}
    together = [*recent, Seen(point, era, point.log)]
    if (
        any(night.point.block not in levels for night in together)
        or sum(map(len, groups.values())) < LEAST_NIGHTS
    ):
        return None
    offs = [night.log - levels[night.point.block] for night in together]
    off, noise, own = fmean(offs), scale(groups.values()), len(groups[point.block, era])
    if nights > 1 and min(value * math.copysign(1, off) for value in offs) < max(EFFECT, abs(off)) / 2:
        return None
    alike = _resembling(base, middles, noise) if abs(off) >= EFFECT / 2 else 0.0
    variance = mean_variance(nights, alike) + MEDIAN_VARIANCE * mean_variance(own, alike)
    return Look(
        point,
        levels[point.block],
        sum(night.era == era for night in base),
        off,
        off / (noise.sigma * math.sqrt(variance)),
        noise,
        offs[-1],
        alike,
        _is_sudden(off, _offs(base, middles)[era], alike) if abs(off) >= EFFECT else False,
        nights,
        together[0].point,
        base[-1].point,
        len(base),
        _slow(base, middles, off) if off >= EFFECT else Slow(),
        (*point.poor, *_hot(point, base)),
    )


def groups_of(seen: Iterable[Seen]) -> dict[tuple[Block, int], list[float]]:
    groups: dict[tuple[Block, int], list[float]] = defaultdict(list)
    for night in seen:
        groups[night.point.block, night.era].append(night.log)
    return groups


def _offs(base: Sequence[Seen], middles: Mapping[tuple[Block, int], float]) -> dict[int, list[float]]:
    """Return how far nights were off their own level, in order, by era."""
    offs: dict[int, list[float]] = defaultdict(list)
    for seen in base:
        if (middle := middles.get((seen.point.block, seen.era))) is not None:
            offs[seen.era].append(seen.log - middle)
    return offs


def _is_sudden(off: float, before: Sequence[float], alike: float) -> bool:
    share = _STANDS_OUT + (1 - _STANDS_OUT) * alike
    return (off - median(before[-JUST_BEFORE:])) * math.copysign(1, off) >= share * abs(off)


def _resembling(base: Sequence[Seen], middles: Mapping[tuple[Block, int], float], noise: Scale) -> float:
    return persistence(max(_offs(base, middles).values(), key=len), noise.sigma)


def _slow(base: Sequence[Seen], middles: Mapping[tuple[Block, int], float], off: float) -> Slow:
    return sum((_came_and_went(nights, off) for nights in _offs(base, middles).values()), start=Slow())


def _came_and_went(offs: Sequence[float], off: float) -> Slow:
    back = max((number for number, value in enumerate(offs) if value < off / 2), default=0)
    slow = [value >= 0.8 * off for value in offs[:back]]
    return Slow(sum(slow), sum(here and not before for before, here in pairwise([False, *slow])))


def _hot(point: Point, base: Sequence[Seen]) -> list[str]:
    if point.celsius is None:
        return []
    usual = [seen.point.celsius for seen in base if seen.point.celsius is not None]
    if len(usual) < LEAST_NIGHTS or point.celsius < median(usual) + HOTTER:
        return []
    return [f"started {point.celsius - median(usual):.0f} °C hotter than usual"]
