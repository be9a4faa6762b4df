"""What a series remembers of its changes: the last one, and the regression that has not been repaired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from qhas.verdict.judgement import Judgement
from qhas.verdict.model import Verdict
from qhas.verdict.noise import Scale
from qhas.verdict.point import Block, Point

Levels = Mapping[Block, float]
"""Logarithm of the level of each device."""


@dataclass(frozen=True)
class Change:
    """A confirmed change: where it began, how large it is, each device's level before, and the noise it was told from."""

    since: Point
    off: float
    before: Levels
    last: Point | None
    """The last night before it."""
    scale: Scale

    @property
    def begun(self) -> Point:
        """Where its level began."""
        return self.since

    def still(self, point: Point, off: float, nights: int, reason: str = "") -> Judgement:
        """A night on which it is as it was, `off` the level of so many nights before it."""
        level = point.log - off
        return Judgement(
            Verdict.STEADY, point, level, off, nights, since=self.since, reason=reason, before=self.last
        )

    def moved(self, block: Block, off: float) -> Change:
        """The same on a device that is slower by so much altogether."""
        return replace(self, before=_moved(self.before, block, off))


@dataclass(frozen=True)
class Regression:
    """What is worse since a night, and by what levels it is measured until it is back: those of before."""

    since: Point
    good: Levels
    last: Point | None
    """The last good night."""
    night: int
    """Its number, of the last time that it got worse."""
    improved: Point | None = None
    """Since when a part of it is repaired."""

    @property
    def begun(self) -> Point:
        """Where its level of today began."""
        return self.improved or self.since

    def moved(self, block: Block, off: float) -> Regression:
        """The same on a device that is slower by so much altogether."""
        return replace(self, good=_moved(self.good, block, off))

    def still(self, point: Point, good: float, nights: int, reason: str) -> Judgement:
        """A night on which it is not back."""
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
