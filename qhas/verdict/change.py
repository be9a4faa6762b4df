"""What a series remembers of its changes: the last one, and the regression that has not been repaired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from qhas.verdict.judgement import Judgement
from qhas.verdict.model import Verdict
from qhas.verdict.noise import Scale
from qhas.verdict.point import Block, Point

Levels = Mapping[Block, float]
"""The logarithm of each device's level."""


@dataclass(frozen=True)
class Change:
    """A confirmed change: where it began, how large it is, each device's level before it, and the noise it exceeds."""

    since: Point
    off: float
    before: Levels
    last: Point | None
    """The last night before it."""
    scale: Scale

    @property
    def begun(self) -> Point:
        """The night on which its level began."""
        return self.since

    def still(self, point: Point, off: float, nights: int, reason: str = "") -> Judgement:
        """Judge a night without a further change, which is `off` from the level of the `nights` nights before it."""
        level = point.log - off
        return Judgement(
            Verdict.STEADY, point, level, off, nights, since=self.since, reason=reason, before=self.last
        )

    def moved(self, block: Block, off: float) -> Change:
        """Return the same change on a device that has become slower by `off` as a whole."""
        return replace(self, before=_moved(self.before, block, off))


@dataclass(frozen=True)
class Regression:
    """What is worse since a night, and the levels from before it, by which it is measured until it is back."""

    since: Point
    good: Levels
    last: Point | None
    """The last good night."""
    night: int
    """The number of the night on which it last got worse."""
    improved: Point | None = None
    """The night since which a part of it has been repaired."""

    @property
    def begun(self) -> Point:
        """The night on which its current level began."""
        return self.improved or self.since

    def moved(self, block: Block, off: float) -> Regression:
        """Return the same regression on a device that has become slower by `off` as a whole."""
        return replace(self, good=_moved(self.good, block, off))

    def still(self, point: Point, good: float, nights: int, reason: str) -> Judgement:
        """Judge a night on which it is not back."""
        improved = f"better since {self.improved.day.isoformat()}" if self.improved else ""
        return Judgement(
            Verdict.SUSTAINED,
            point,
            good,
            point.log - good,
            nights,
            since=self.since,
            reason="; ".join(filter(None, (improved, reason))),
            before=self.last,
        )


def _moved(levels: Levels, block: Block, off: float) -> Levels:
    return {each: level + off if each == block else level for each, level in levels.items()}
