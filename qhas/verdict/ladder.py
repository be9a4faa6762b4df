"""The ladder of a noisy figure: what a night says against the nights before, and what those were.

Sources: effect size and significance and confirmation together, as every lasting system has it (facts of Otava,
Mozilla's perfherder, LNT, FAI-PEP and conbench; docs/verdicts.md names them); look-back and the words new, sustained,
flaky, recovered from the scorecard of qai-hub-models; confirmation in a lease of its own because re-runs in the same
session share its bias.

Levels are of eras: a confirmed change begins a new one. A series begins anew with another SDK. Within an era each
device has its own level; the scale is common to all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from statistics import fmean, median

from qhas.verdict.look import EFFECT, LEAST_NIGHTS, LEAST_OF_DEVICE, WINDOWS, Look, Seen, groups_of, window
from qhas.verdict.model import Verdict
from qhas.verdict.noise import MEDIAN_VARIANCE, Scale
from qhas.verdict.point import Block, Point

CONFIRMED = 2.5
"""Standard errors in a re-run that was asked for, which is one test and not hundreds."""
LOOK_BACK = 40
"""Nights that level and scale are made of."""
REMEMBERED = 30
"""Nights for which a regression is sustained; then it is how things are."""
NO_WONDER = 0.001
"""Chance from which slow runs may be what the series does now and then."""
ENVIRONMENT_ACCEPTED = 7
"""Nights after which a device that has moved is learned anew."""


@dataclass(frozen=True)
class Change:
    """A confirmed change: where it began, how large it is, each device's level before, and its number among the nights."""

    since: Point
    off: float
    before: dict[Block, float]
    night: int
    last: Point | None
    """The last night before it."""


@dataclass(frozen=True)
class Judgement:
    """A verdict on a night with what its sentence needs. `level` and `off` are of the level it tells of."""

    verdict: Verdict
    point: Point
    level: float | None = None
    off: float | None = None
    nights: int = 0
    scale: Scale | None = None
    since: Point | None = None
    reason: str = ""
    before: Point | None = None
    """The night that it differs from."""


@dataclass
class Ladder:
    """A series up to last night. Look at a night first, then let it take its step: `look` changes nothing."""

    _seen: list[Seen] = field(default_factory=list)
    _era: int = 0
    _change: Change | None = None
    _returns: list[int] = field(default_factory=list)
    """Nights on which a regression had come back."""
    _streak: int = 0
    """Nights up to the last one on which a suspicion was neither confirmed nor cleared; negative for faster ones."""
    _night: int = 0
    _moved: int = 0
    """Nights on end that the environment explains."""
    _former: tuple[str, dict[Block, float]] | None = None
    """The SDK before this one, with its levels."""

    def look(self, point: Point) -> Look | None:
        """The night against its era; None while there are too few nights of its SDK and device. Changes nothing."""
        if self._young() or self._sdk() != point.sdk:
            return None
        tonight = window(self._seen, self._era, point, 1)
        if tonight is None or abs(tonight.off) < EFFECT / 2:
            return tonight
        longer = (window(self._seen, self._era, point, nights) for nights in WINDOWS[1:])
        more = [found for found in longer if found]
        return max((tonight, *more), key=lambda one: abs(one.z))

    def step(
        self, point: Point, look: Look | None, *, suspicious: bool, environment: str | None = None
    ) -> Judgement:
        """The verdict on the night, which becomes part of the series.

        `suspicious` is the sweep's word on a look that is beyond; `environment` says what else moved with it.
        """
        self._night += 1
        if self._seen and self._sdk() != point.sdk:
            self._begin_sdk()
        if self._change and self._young() and (level := self._change.before.get(point.block)) is not None:
            return self._step_young(point, self._change, level)
        if look is None:
            return self._insufficient(point)
        if environment is None and self._moved and not suspicious and abs(look.off) >= EFFECT / 2:
            environment = "as on the nights before"
        if environment:
            return self._step_environment(look, environment)
        self._moved = 0
        if look.excused and look.beyond:
            return self._told(Verdict.POOR_CONDITIONS, look, ", ".join(look.poor))
        if not (look.beyond and suspicious):
            self._streak = 0
            return self._ordinary(look)
        if look.off > 0 and self._is_flaky(look):
            self._streak = max(0, self._streak) + 1
            self._take(point)
            return self._told(Verdict.FLAKY, look, "as it has been before and came back from")
        return self._suspected(look)

    def levels(self) -> dict[Block, float]:
        """Logarithm of the level of each device that is known well enough, in this era."""
        return {
            block: median(values)
            for (block, era), values in groups_of(self._seen).items()
            if era == self._era and len(values) >= LEAST_OF_DEVICE
        }

    def _sdk(self) -> str | None:
        return self._seen[-1].point.sdk if self._seen else None

    def _young(self) -> bool:
        return sum(seen.era == self._era for seen in self._seen) < LEAST_NIGHTS

    def _suspected(self, look: Look) -> Judgement:
        sign = 1 if look.off > 0 else -1
        nights = max(look.window, self._streak * sign + 1)
        again = look.point.again
        if again and not again.poor and not self._confirms(look, again.value, again.block, sign):
            self._streak = 0
            self._take(look.point)
            return self._told(Verdict.STEADY, look, f"once, and not again in the re-run on {again.device}")
        confirmed = again is not None and not again.poor
        how = f"confirmed by a re-run on {again.device}" if again and confirmed else f"for {nights} nights"
        measured = nights + confirmed
        if measured < 2 or self._chance(look, measured) > NO_WONDER:
            self._streak = sign * nights
            self._take(look.point)
            young = f"{how}, but {look.known} nights are few to tell a change from a second mode"
            return self._told(Verdict.SUSPICIOUS, look, young if confirmed else "")
        self._streak = 0
        return self._changed(look, nights, how)

    def _confirms(self, look: Look, value: float, block: Block, sign: int) -> bool:
        levels = self.levels()
        off = sign * (math.log(value) - levels.get(block, look.level))
        error = look.scale.sigma * math.sqrt(1 + MEDIAN_VARIANCE / look.nights)
        return off >= max(EFFECT / 2, CONFIRMED * error) and fmean((off, abs(look.off))) >= EFFECT

    def _changed(self, look: Look, nights: int, how: str) -> Judgement:
        """A new era, which begins with the first of these nights."""
        previous, before = self._change, self.levels() | {look.point.block: look.level}
        self._era += 1
        first = len(self._seen) - (nights - 1)
        self._seen[first:] = [replace(seen, era=self._era) for seen in self._seen[first:]]
        since = self._seen[first].point if nights > 1 else look.point
        look = replace(look, since=since)
        self._take(look.point)
        self._change = Change(since, look.off, before, self._night, look.before)
        if look.off > 0:
            return self._told(Verdict.NEW, look, how)
        old = previous.before.get(look.point.block) if previous and previous.off > 0 else None
        if previous and old is not None and look.point.log - old < previous.off / 2:
            self._returns.append(self._night)
            return self._told(Verdict.RECOVERED, look, how)
        return self._told(Verdict.IMPROVED, look, how)

    def _step_young(self, point: Point, change: Change, level: float) -> Judgement:
        """A night of a change that has too few nights for a level of its own: still changed, or back."""
        off = point.log - level
        nights = sum(seen.era == self._era - 1 for seen in self._seen)
        told = Judgement(Verdict.STEADY, point, level, off, nights, since=change.since, before=change.last)
        still = replace(told, verdict=Verdict.SUSTAINED if change.off > 0 else Verdict.STEADY)
        if point.poor:
            return replace(still, reason=", ".join(point.poor))
        if off * math.copysign(1, change.off) >= abs(change.off) / 2:
            self._take(point)
            return still
        self._seen = [seen for seen in self._seen if seen.era < self._era]
        self._era -= 1
        self._change = None
        self._take(point)
        if change.off > 0:
            self._returns.append(self._night)
            return replace(told, verdict=Verdict.RECOVERED)
        return replace(told, reason="the gain of the nights before is gone")

    def _step_environment(self, look: Look, environment: str) -> Judgement:
        """Not of the series: the level is the network's on a device that has not moved. After a while it is learned anew."""
        self._moved += 1
        if self._moved >= ENVIRONMENT_ACCEPTED:
            self._begin_sdk()
            self._moved = 0
            self._take(look.point)
        return self._told(Verdict.ENVIRONMENTAL, look, environment)

    def _ordinary(self, look: Look) -> Judgement:
        if not look.point.poor:
            self._take(look.point)
        change = self._change
        if change and change.off > 0 and self._night - change.night <= REMEMBERED:
            before = change.before.get(look.point.block)
            now = self.levels().get(look.point.block)
            if before is not None and now is not None and now - before >= EFFECT / 2:
                return Judgement(
                    Verdict.SUSTAINED,
                    look.point,
                    before,
                    look.point.log - before,
                    look.nights,
                    since=change.since,
                    before=change.last,
                )
        return self._told(Verdict.STEADY, look)

    def _insufficient(self, point: Point) -> Judgement:
        nights = sum(seen.era == self._era and seen.point.block == point.block for seen in self._seen)
        if not point.poor:
            self._take(point)
        told = Judgement(Verdict.INSUFFICIENT_DATA, point, nights=nights)
        if self._former is None or self._former[0] == point.sdk:
            return told
        sdk, levels = self._former
        if (level := levels.get(point.block)) is None:
            return told
        return replace(told, level=level, off=point.log - level, reason=f"SDK {sdk} → {point.sdk}")

    def _begin_sdk(self) -> None:
        """Nothing of before holds, but it is told."""
        if sdk := self._sdk():
            self._former = sdk, self.levels() or (self._former[1] if self._former else {})
        self._seen, self._change, self._streak = [], None, 0
        self._era += 1

    def _is_flaky(self, look: Look) -> bool:
        """Whether so many slow nights in a row, and a re-run, are no wonder with what has come and gone before."""
        nights = max(look.window, self._streak + 1)
        return look.as_slow + self._recent_returns() > 0 and self._chance(look, nights + 1) > NO_WONDER

    def _chance(self, look: Look, measured: int) -> float:
        """Of so many slow runs on end, if the series has a slow mode as often as was seen (rule of succession)."""
        returns = self._recent_returns()
        slow = look.as_slow + returns if look.off > 0 else 0
        return float(((slow + 1) / (look.known + returns + 2)) ** measured)

    def _recent_returns(self) -> int:
        return sum(self._night - night <= LOOK_BACK for night in self._returns)

    def _take(self, point: Point) -> None:
        self._seen = [*self._seen, Seen(point, self._era, point.log)][-LOOK_BACK:]

    def _told(self, verdict: Verdict, look: Look, reason: str = "") -> Judgement:
        return Judgement(
            verdict,
            look.point,
            look.level,
            look.off,
            look.nights,
            look.scale,
            look.since,
            reason,
            look.before,
        )
