"""The good nights of a series with one SDK: in eras, between confirmed changes, and those on a device that has moved."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median

from qhas.verdict.look import LEAST_NIGHTS, LEAST_OF_DEVICE, Look, Seen, groups_of, window
from qhas.verdict.point import Block, Point

LOOK_BACK = 40
"""Nights that level and scale are made of."""


@dataclass
class Nights:
    """Those that are remembered, the last one last."""

    seen: list[Seen] = field(default_factory=list)
    era: int = 0
    _aside: dict[Block, list[Seen]] = field(default_factory=dict)

    @property
    def sdk(self) -> str | None:
        """Of all of them."""
        return self.seen[-1].point.sdk if self.seen else None

    @property
    def young(self) -> bool:
        """Whether the era has too few for a level."""
        return self.count() < LEAST_NIGHTS

    def count(self, era: int | None = None) -> int:
        """Nights of an era, this one if none is named."""
        wanted = self.era if era is None else era
        return sum([seen.era == wanted for seen in self.seen])

    def of_device(self, block: Block) -> list[Seen]:
        """Those of this era on a device."""
        return [seen for seen in self.seen if (seen.era, seen.point.block) == (self.era, block)]

    def accept(self, since: date) -> None:
        """Those since then are how things are to be: nights before are told in terms of them, so that noise and level are known.

        Nights of an era and a device that cannot be told so are forgotten; if there are none since then, nothing happens.
        """
        new = {
            block: median(
                night.log for night in self.seen if night.point.day >= since and night.point.block == block
            )
            for block in {night.point.block for night in self.seen if night.point.day >= since}
        }
        old = groups_of(night for night in self.seen if night.point.day < since)
        offs = {group: new[group[0]] - median(logs) for group, logs in old.items() if group[0] in new}
        usual = {era: median(offs[group] for group in offs if group[1] == era) for _, era in offs}
        if offs:
            kept = [night for night in self.seen if night.point.day >= since or night.era in usual]
            self.seen = [_in_terms(night, self.era, since, offs, usual) for night in kept]

    def before(self, point: Point) -> int:
        """How many there are on its device before that night."""
        return sum(seen.point.block == point.block and seen.point.day < point.day for seen in self.seen)

    def levels(self) -> dict[Block, float]:
        """Logarithm of the level of each device that is known well enough, in this era."""
        return {
            block: median(values)
            for (block, era), values in groups_of(self.seen).items()
            if era == self.era and len(values) >= LEAST_OF_DEVICE
        }

    def window(self, point: Point, nights: int) -> Look | None:
        """The night and those just before it against the others of its era."""
        return window(self.seen, self.era, point, nights)

    def take(self, point: Point) -> None:
        """A good night becomes one of them."""
        self.seen = [*self.seen, Seen(point, self.era, point.log)][-LOOK_BACK:]

    def begin_era(self, point: Point, nights: int) -> Point:
        """A new era with the last of so many nights, of which `point` is the last one and not taken yet; its first night."""
        self.era += 1
        first = len(self.seen) - (nights - 1)
        self.seen[first:] = [replace(seen, era=self.era) for seen in self.seen[first:]]
        return self.seen[first].point if nights > 1 else point

    def undo_era(self) -> None:
        """The era was none: its nights are forgotten."""
        self.seen = [seen for seen in self.seen if seen.era < self.era]
        self.era -= 1

    def begin_sdk(self) -> None:
        """Nothing of before holds."""
        self.seen, self._aside = [], {}
        self.era += 1

    def set_aside(self, point: Point) -> None:
        """The night was on a device that has moved: no evidence of the network, until the device is learned anew."""
        self._aside.setdefault(point.block, []).append(Seen(point, self.era, point.log))

    def aside(self, block: Block) -> AbstractSet[date]:
        """The nights that are set aside because the device has moved."""
        return {night.point.day for night in self._aside.get(block, ())}

    def level_aside(self, block: Block) -> float | None:
        """Where the device has moved to; None if it has not."""
        nights = self._aside.get(block)
        return median(night.log for night in nights) if nights else None

    def device_is_back(self, block: Block) -> None:
        """It has not moved after all, or no more."""
        self._aside.pop(block, None)

    def learn_anew(self, block: Block, off: float) -> tuple[float, Point | None]:
        """The device stays where it has moved to, `off` for most series.

        The nights before are told in terms of those since, by how much this series has moved: that, and its first night
        there, if it had any.
        """
        aside = self._aside.pop(block, [])
        if not aside:
            return (off if any(night.point.block == block for night in self.seen) else 0.0), None
        first = aside[0].point.day
        old = [night for night in self.seen if night.point.block == block and night.point.day < first]
        since = [
            *aside,
            *(night for night in self.seen if night.point.block == block and night.point.day >= first),
        ]
        own = _by_how_much(old, since, off)
        moved = [replace(night, log=night.log + own) if night in old else night for night in self.seen]
        self.seen = sorted([*moved, *aside], key=lambda night: night.point.day)[-LOOK_BACK:]
        return own, aside[0].point


def _in_terms(
    one: Seen, era: int, since: date, offs: Mapping[tuple[Block, int], float], usual: Mapping[int, float]
) -> Seen:
    late = one.point.day >= since
    off = 0.0 if late else offs.get((one.point.block, one.era), usual.get(one.era, 0.0))
    return replace(one, era=era, log=one.log + off)


def _by_how_much(old: list[Seen], since: list[Seen], otherwise: float) -> float:
    """By the series' own nights, if there are enough of one era on both sides."""
    eras = {night.era for night in (*old[-1:], *since)}
    same = [night.log for night in old if night.era in eras]
    if len(eras) > 1 or min(len(same), len(since)) < LEAST_OF_DEVICE:
        return otherwise
    return median(night.log for night in since) - median(same)
