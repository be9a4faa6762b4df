"""The second look: changes too slow to show from one night to the next, against the nights of 40 to 120 days ago.

The last week counts as one night, and the noise is that of the old nights about one level: anything that comes and
goes with the season, or makes nights resemble the one before, is part of it and not a drift.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from operator import attrgetter
from statistics import fmean, median
from typing import NamedTuple

from qhas.verdict.judgement import Judgement
from qhas.verdict.look import BEYOND, EFFECT, LEAST_OF_DEVICE
from qhas.verdict.model import Verdict
from qhas.verdict.noise import MEDIAN_VARIANCE, scale
from qhas.verdict.point import Block, Point

NEAR, FAR = 40, 120
"""The youngest and the oldest nights that it looks back to, in days ago."""
_LEAST_OLD = 20
_WEEK = 7
_LEAST_OF_WEEK = 4


class Drift(NamedTuple):
    """How far the last week is from the old level, and the change per night, both as logarithms."""

    level: float
    off: float
    rate: float
    nights: int
    """The number of nights that the old level is made from."""

    def judgement(self, point: Point, since: Point, before: Point | None) -> Judgement:
        """Return the judgement of a night, drifting since an earlier one."""
        return Judgement(
            Verdict.DRIFTING,
            point,
            self.level,
            self.off,
            self.nights,
            since=since,
            before=before,
            rate=self.rate,
        )


class _Night(NamedTuple):
    day: int
    block: Block
    log: float


_day_of = attrgetter("day")


@dataclass
class LongMemory:
    """The good nights of a series with one SDK, in today's terms: what has been reported as a change is not a drift."""

    _nights: list[_Night] = field(default_factory=list)
    _sdk: str = ""

    def keep(self, point: Point, shift: float = 0.0) -> None:
        """Add a night; a new SDK starts anew. `shift` is how far its device has moved, if that has been reported."""
        if point.sdk != self._sdk:
            self._nights, self._sdk = [], point.sdk
        del self._nights[: bisect_left(self._nights, point.day.toordinal() - FAR, key=_day_of)]
        self._nights.append(_Night(point.day.toordinal(), point.block, point.log - shift))

    def note(self, off: float, since: Point, block: Block | None = None) -> None:
        """Note a reported change, of one device or of all: the nights before it count as if it had always been there."""
        self._nights = [
            night._replace(log=night.log + off)
            if night.day < since.day.toordinal() and block in (None, night.block)
            else night
            for night in self._nights
        ]

    def drift(self, point: Point) -> Drift | None:
        """Return the drift if the series has become worse up to this night, which is its last; else None."""
        today = point.day.toordinal()
        groups: dict[Block, list[float]] = defaultdict(list)
        for _, block, log in self._between(today - FAR, today - NEAR):
            groups[block].append(log)
        old = {block: logs for block, logs in groups.items() if len(logs) >= LEAST_OF_DEVICE}
        count = sum(map(len, old.values()))
        if count < _LEAST_OLD or point.block not in old:
            return None
        levels = {block: median(logs) for block, logs in old.items()}
        week, last_week = (
            [off for _, off in self._offs(levels, today - (weeks + 1) * _WEEK + 1, today - weeks * _WEEK)]
            for weeks in (0, 1)
        )
        if min(len(week), len(last_week)) < _LEAST_OF_WEEK or (off := fmean(week)) < EFFECT:
            return None
        fortnight = sorted(week + last_week)
        if (
            fortnight[len(fortnight) // 4] < off / 2
        ):  # a mode that stays raises some nights, a drift nearly all
            return None
        error = scale(old.values()).sigma * math.sqrt(1 + MEDIAN_VARIANCE / count)
        lately = self._offs(levels, today - NEAR + 1, today)
        rate = _rate(lately)
        if off < BEYOND * error or rate * NEAR < EFFECT / 2 or _is_step(lately, rate):
            return None
        return Drift(levels[point.block], off, rate, count)

    def _offs(self, levels: Mapping[Block, float], first: int, last: int) -> list[tuple[int, float]]:
        nights = self._between(first, last)
        return [(day, log - levels[block]) for day, block, log in nights if block in levels]

    def _between(self, first: int, last: int) -> list[_Night]:
        """Return the nights of these days; they are kept in order."""
        begin = bisect_left(self._nights, first, key=_day_of)
        return self._nights[begin : bisect_right(self._nights, last, begin, key=_day_of)]


def _rate(offs: Sequence[tuple[int, float]]) -> float:
    """Return the median slope of the pairs of nights (Theil and Sen), which single nights do not bend."""
    slopes = [
        (later_off - off) / (later - day)
        for (day, off), (later, later_off) in combinations(offs, 2)
        if later > day
    ]
    return median(slopes) if slopes else 0.0


def _is_step(offs: Sequence[tuple[int, float]], rate: float) -> bool:
    """Whether two levels, one after the other, fit the nights better than a line of that slope.

    If so, it is a mode that stays, which comes at once, and not a drift.
    """
    logs = [off for _, off in sorted(offs)]
    rest = [off - rate * day for day, off in offs]
    line = _spread(rest)
    return any(_spread(logs[:at]) + _spread(logs[at:]) < line for at in range(1, len(logs)))


def _spread(values: Sequence[float]) -> float:
    """Return the sum of squares about the mean."""
    mean = fmean(values)
    return sum((value - mean) ** 2 for value in values)
