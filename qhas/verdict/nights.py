"""The good nights of a series with one SDK: in eras, between confirmed changes, and on devices that have moved."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median

from qhas.verdict.look import LEAST_NIGHTS, LEAST_OF_DEVICE, Look, Seen, groups_of, window
from qhas.verdict.point import Block, Point

LOOK_BACK = 40
"""The number of nights that level and scale are made from."""


@dataclass
class Nights:
    """The nights that are remembered, the latest last."""

    seen: list[Seen] = field(default_factory=list)
    era: int = 0
    _aside: dict[Block, list[Seen]] = field(default_factory=dict)

    @property
    def sdk(self) -> str | None:
        """The SDK of all the nights; None without nights."""
        return self.seen[-1].point.sdk if self.seen else None

    @property
    def young(self) -> bool:
        """Whether the era has too few nights for a level."""
        return self.count() < LEAST_NIGHTS

    def count(self, era: int | None = None) -> int:
        """Return the number of nights of an era, by default the current one."""
        wanted = self.era if era is None else era
        return sum([seen.era == wanted for seen in self.seen])

    def of_device(self, block: Block) -> list[Seen]:
        """Return this era's nights on a device."""
        return [seen for seen in self.seen if (seen.era, seen.point.block) == (self.era, block)]

    def accept(self, since: date) -> None:
        """Accept the nights since then as intended, and shift earlier ones to them, so that noise and level are known.

        Nights of an era for which no shift is known are forgotten; without nights since then, nothing happens.
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
        """Return how many nights there are on its device before that night."""
        return sum(seen.point.block == point.block and seen.point.day < point.day for seen in self.seen)

    def levels(self) -> dict[Block, float]:
        """Return the logarithm of the level in this era of each device that is known well enough."""
        return {
            block: median(values)
            for (block, era), values in groups_of(self.seen).items()
            if era == self.era and len(values) >= LEAST_OF_DEVICE
        }

    def window(self, point: Point, nights: int) -> Look | None:
        """Compare the night and those just before it with the others of its era."""
        return window(self.seen, self.era, point, nights)

    def take(self, point: Point) -> None:
        """Add a good night."""
        self.seen = [*self.seen, Seen(point, self.era, point.log)][-LOOK_BACK:]

    def begin_era(self, point: Point, nights: int) -> Point:
        """Begin a new era with the last `nights` nights, and return its first; `point` is the last, and not added yet."""
        self.era += 1
        first = len(self.seen) - (nights - 1)
        self.seen[first:] = [replace(seen, era=self.era) for seen in self.seen[first:]]
        return self.seen[first].point if nights > 1 else point

    def undo_era(self) -> None:
        """Undo the era, which was none, and forget its nights."""
        self.seen = [seen for seen in self.seen if seen.era < self.era]
        self.era -= 1

    def begin_sdk(self) -> None:
        """Forget all nights: nothing from before holds with a new SDK."""
        self.seen, self._aside = [], {}
        self.era += 1

    def set_aside(self, point: Point) -> None:
        """Set aside a night on a device that has moved: no evidence on the network until the device is learned anew."""
        self._aside.setdefault(point.block, []).append(Seen(point, self.era, point.log))

    def aside(self, block: Block) -> AbstractSet[date]:
        """Return the nights that are set aside because the device has moved."""
        return {night.point.day for night in self._aside.get(block, ())}

    def level_aside(self, block: Block) -> float | None:
        """Return the level that the device has moved to; None if it has not moved."""
        nights = self._aside.get(block)
        return median(night.log for night in nights) if nights else None

    def device_is_back(self, block: Block) -> None:
        """Forget a move: the device has not moved after all, or no longer."""
        self._aside.pop(block, None)

    def learn_anew(self, block: Block, off: float) -> tuple[float, Point | None]:
        """Accept that the device stays where it has moved to, `off` for most series.

        Earlier nights are shifted by how much this series has moved. Return that shift, and the series' first night
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
    """Return the shift by the series' own nights, if there are enough of one era on both sides; else `otherwise`."""
    eras = {night.era for night in (*old[-1:], *since)}
    same = [night.log for night in old if night.era in eras]
    if len(eras) > 1 or min(len(same), len(since)) < LEAST_OF_DEVICE:
        return otherwise
    return median(night.log for night in since) - median(same)
