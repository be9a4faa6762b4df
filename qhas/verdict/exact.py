"""The ladder of a figure that is the same as long as nothing changes: any difference is one, on its first night."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qhas.verdict.judgement import Judgement, SinceSdk
from qhas.verdict.ladder import REMEMBERED
from qhas.verdict.model import Verdict
from qhas.verdict.point import Point

_WORTH = 0.01
"""Every compiler moves every figure a little: the share of it that counts in the table of an upgrade."""
_FLIPS = 3
"""So many changes within the nights that are remembered are no news any more."""


@dataclass
class ExactLadder:
    """A deterministic series up to its last run. `less_is_better` is None where neither is."""

    less_is_better: bool | None
    _last: Point | None = None
    _since: Point | None = None
    _before: Point | None = None
    """The last run before the last change."""
    _night: int = 0
    _same: int = 0
    _changes: tuple[int, ...] = ()

    def step(self, point: Point) -> Judgement:
        """The verdict on a run, which becomes part of the series."""
        self._night += 1
        last, self._last = self._last, point
        if last is None:
            self._same = 1
            return Judgement(Verdict.INSUFFICIENT_DATA, point)
        if _equal(point.value, last.value):
            self._same += 1
            return replace(self._unchanged(point), sdk=_since_sdk(point, last))
        return replace(self._changed(point, last), sdk=_since_sdk(point, last))

    def _unchanged(self, point: Point) -> Judgement:
        recent = bool(self._changes) and self._night - self._changes[-1] <= REMEMBERED
        before = self._before
        if recent and before and self._worse(point.value, before.value):
            return Judgement(
                Verdict.SUSTAINED,
                point,
                before.value,
                point.value - before.value,
                self._same,
                since=self._since,
                before=before,
            )
        return Judgement(Verdict.STEADY, point, point.value, 0.0, self._same - 1)

    def _changed(self, point: Point, last: Point) -> Judgement:
        before, nights = self._before, self._same
        self._before, self._since, self._same = last, point, 1
        self._changes = (*(one for one in self._changes if self._night - one <= REMEMBERED), self._night)
        verdict = self._verdict(point.value, last.value, before.value if before else None)
        return Judgement(
            verdict, point, last.value, point.value - last.value, nights, since=point, before=last
        )

    def _verdict(self, value: float, last: float, before: float | None) -> Verdict:
        if self.less_is_better is None:
            return Verdict.CHANGED
        if len(self._changes) >= _FLIPS and value == before:
            return Verdict.FLAKY
        if self._worse(value, last):
            return Verdict.NEW
        back = before is not None and self._worse(last, before) and not self._worse(value, before)
        return Verdict.RECOVERED if back and value == before else Verdict.IMPROVED

    def _worse(self, value: float, other: float) -> bool:
        return self.less_is_better is not None and (value > other) is self.less_is_better and value != other


def _since_sdk(point: Point, last: Point) -> SinceSdk | None:
    if point.sdk == last.sdk:
        return None
    off = point.value - last.value
    return SinceSdk(last.sdk, last.value, off, abs(off) > _WORTH * abs(last.value))


def _equal(value: float, other: float) -> bool:
    """Equal; times of older versions were cut to whole microseconds, and the cycles beside them were not."""
    return value == other or int(value) == other or int(other) == value
