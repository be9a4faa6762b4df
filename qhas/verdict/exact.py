"""The ladder of a figure that stays the same until something changes: any difference counts, on its first night."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from qhas.verdict.judgement import Judgement, SinceSdk
from qhas.verdict.ladder import REMEMBERED
from qhas.verdict.model import Verdict
from qhas.verdict.point import Point

_WORTH = 0.01
"""The relative change that counts in the table of an upgrade: every compiler moves every figure a little."""
_FLIPS = 3
"""This many changes within the nights that are remembered are no longer news."""


@dataclass
class ExactLadder:
    """A deterministic series up to its last run. `less_is_better` is None if neither direction is better."""

    less_is_better: bool | None
    _last: Point | None = None
    _before: Point | None = None
    """The last run before the last change."""
    _good: Point | None = None
    """The last run before a regression that has not recovered."""
    _worse_since: Point | None = None
    _night: int = 0
    _same: int = 0
    _changes: tuple[int, ...] = ()

    def step(self, point: Point) -> Judgement:
        """Judge a run, which becomes part of the series."""
        self._night += 1
        last, self._last = self._last, point
        if last is None:
            self._same = 1
            return Judgement(Verdict.INSUFFICIENT_DATA, point)
        if point.value == last.value:
            self._same += 1
            return _with_sdk(self._unchanged(point), last)
        return _with_sdk(self._changed(point, last), last)

    def accept(self) -> None:
        """Accept the last run as intended: nothing before it counts as better."""
        self._before, self._good, self._worse_since, self._changes = None, None, None, ()

    def _unchanged(self, point: Point) -> Judgement:
        recent = bool(self._changes) and self._night - self._changes[-1] <= REMEMBERED
        good = self._good
        if recent and good:
            off = point.value - good.value
            return Judgement(
                Verdict.SUSTAINED, point, good.value, off, self._same, since=self._worse_since, before=good
            )
        return Judgement(Verdict.STEADY, point, point.value, 0.0, self._same - 1)

    def _changed(self, point: Point, last: Point) -> Judgement:
        before, nights = self._before, self._same
        if self._changes and self._night - self._changes[-1] > REMEMBERED:
            self._good = None
        self._before, self._same = last, 1
        self._changes = (
            *(night for night in self._changes if self._night - night <= REMEMBERED),
            self._night,
        )
        verdict = self._verdict(point.value, last.value, before.value if before else None)
        judgement = Judgement(
            verdict, point, last.value, point.value - last.value, nights, since=point, before=last
        )
        if verdict in (Verdict.NEW, Verdict.FLAKY) and self._worse(point.value, last.value):
            if self._good is None:
                self._good, self._worse_since = last, point
        elif (good := self._good) and self._worse(point.value, good.value):
            return replace(
                judgement, unrepaired=math.log(point.value / good.value) if good.value > 0 else None
            )
        else:
            self._good = None
        return judgement

    def _verdict(self, value: float, last: float, before: float | None) -> Verdict:
        if self.less_is_better is None:
            return Verdict.CHANGED
        if len(self._changes) >= _FLIPS and value == before:
            return Verdict.FLAKY
        if self._worse(value, last):
            return Verdict.NEW
        return Verdict.RECOVERED if self._good and value == self._good.value else Verdict.IMPROVED

    def _worse(self, value: float, other: float) -> bool:
        return self.less_is_better is not None and (value > other) is self.less_is_better and value != other


def _with_sdk(judgement: Judgement, last: Point) -> Judgement:
    """Add what the SDK did, if it is not the last run's."""
    point = judgement.point
    if point.sdk == last.sdk:
        return judgement
    off = point.value - last.value
    return replace(judgement, sdk=SinceSdk(last.sdk, last.value, off, abs(off) > _WORTH * abs(last.value)))
