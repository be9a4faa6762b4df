"""The ladder of a noisy figure: what a night says compared with the nights before, and a memory of those.

Sources: effect size, significance and confirmation together, as in every lasting system (facts of Otava, Mozilla's
perfherder, LNT, FAI-PEP and conbench; docs/verdicts.md names them); look-back and the words new, sustained, flaky,
recovered from the scorecard of qai-hub-models; confirmation in a lease of its own because re-runs in the same session
share its bias.

Levels are per era, between confirmed changes, and per device; the scale is common. A series begins anew with another
SDK. Nights on a device that has moved are set aside until it is back, or is learned anew with all that runs on it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from statistics import median

from qhas.verdict.change import Change, Regression
from qhas.verdict.drift import LongMemory
from qhas.verdict.former import Former, former_of
from qhas.verdict.judgement import Judgement, Moved, of_look
from qhas.verdict.look import BEYOND, EFFECT, JUST_BEFORE, WINDOWS, Look
from qhas.verdict.model import Verdict
from qhas.verdict.nights import Nights
from qhas.verdict.point import Block, Point
from qhas.verdict.spells import NO_WONDER, Spells

REMEMBERED = 30
"""Nights for which a regression is sustained; after that it counts as normal."""
_STEP_OF_DEVICE = EFFECT * 2 / 3
"""A device that moves by less may do so again and again, which is a drift of all that runs on it."""
_SPELL = 2
"""Consecutive nights that are more than an outlier."""
_RESEMBLING = 0.4
"""If nights resemble the one before by as much, a re-run of the same night is not a second measurement."""


@dataclass
class Ladder:
    """A series up to last night. Call `look` on a night before `step`."""

    nights: Nights = field(default_factory=Nights)
    _change: Change | None = None
    _worse: Regression | None = None
    _spells: Spells = field(default_factory=Spells)
    _streak: int = 0
    """Nights for which a suspicion has been neither confirmed nor cleared; negative for faster ones."""
    _night: int = 0
    _long: LongMemory = field(default_factory=LongMemory)
    _drifting: Point | None = None
    _former: Former | None = None

    def look(self, point: Point) -> Look | None:
        """Compare the night with its era; None with too few nights of its SDK and device. Changes nothing."""
        if self.nights.young or self.nights.sdk != point.sdk:
            return None
        tonight = self.nights.window(point, 1)
        if tonight is None or abs(tonight.off) < EFFECT / 2:
            return tonight
        longer = (self.nights.window(point, nights) for nights in WINDOWS[1:])
        more = [window for window in longer if window]
        return max((tonight, *more), key=lambda candidate: abs(candidate.z))

    def step(
        self,
        point: Point,
        look: Look | None,
        *,
        suspicious: bool,
        moved: Moved | None = None,
        restless: bool = False,
    ) -> Judgement:
        """Judge the night, which becomes part of the series.

        `suspicious` is the sweep's decision on a look that is beyond, `moved` the move of its device, if that
        explains it, and `restless` whether on this rack cells with unchanged graphs are slow for nights and come
        back.
        """
        self._night += 1
        if self.nights.seen and self.nights.sdk != point.sdk:
            self._begin_sdk()
        if self._change and self.nights.young and (level := self._change.before.get(point.block)) is not None:
            return self._step_young(point, self._change, level)
        if look is None:
            return self._insufficient(point)
        if moved:
            return self._step_aside(look, moved)
        if look.excused and look.beyond:
            return of_look(Verdict.POOR_CONDITIONS, look, ", ".join(look.poor))
        if not (look.beyond and suspicious):
            if self._streak >= _SPELL:
                self._spells.end(self._night, self._streak)
            self._streak = 0
            return self._ordinary(look)
        if look.off > 0 and (reason := self._why_flaky(look, restless=restless)):
            self._streak = max(0, self._streak) + 1
            self._take(point)
            return of_look(Verdict.FLAKY, look, reason)
        return self._suspected(look)

    def accept(self, last: Judgement) -> None:
        """Accept the last night, judged as `last`, as intended: nothing before it counts as better."""
        if change := self._remembered() or (self._change if self.nights.young else None):
            self.nights.accept(change.begun.day)
        elif self.nights.seen and last.unconfirmed:
            nights = JUST_BEFORE if last.verdict is Verdict.DRIFTING else max(1, abs(self._streak))
            since = self.nights.seen[-nights:][0].point
            self.nights.accept(since.day)
            self._long.note(last.off or 0.0, since)
        self._change, self._worse, self._former, self._streak, self._drifting = None, None, None, 0, None

    def remember(self, point: Point) -> None:
        """Add a night that is too old for anything but a drift."""
        if not point.poor:
            self._long.keep(point)

    def as_aside(self, look: Look) -> Moved | None:
        """Return the move that the nights set aside show."""
        level = self.nights.level_aside(look.point.block)
        return None if level is None else Moved(level - look.level, "as on the nights before")

    def learn_anew(self, block: Block, off: float) -> None:
        """Accept that the device stays where it has moved to, `off` for most series."""
        own, since = self.nights.learn_anew(block, off)
        self._change = self._change and self._change.moved(block, own)
        self._worse = self._worse and self._worse.moved(block, own)
        if since and abs(off) >= _STEP_OF_DEVICE:
            self._long.note(own, since, block)

    def returns(self) -> int:
        """Return how often it was slow for nights and came back by itself."""
        return self._spells.count(self._night)

    def _suspected(self, look: Look) -> Judgement:
        sign = 1 if look.off > 0 else -1
        nights = max(look.window, self._streak * sign + 1)
        again = look.point.again
        if again and not again.poor and not look.confirmed_by(again, self.nights.levels()):
            self._streak = 0
            self._take(look.point)
            return of_look(Verdict.STEADY, look, f"once only, not in the re-run on {again.device}")
        confirmed = again is not None and not again.poor and look.resembling < _RESEMBLING
        how = f"confirmed by a re-run on {again.device}" if again and confirmed else f"for {nights} nights"
        measured = nights + confirmed
        if measured < 2 or self._spells.chance(look, self._night, measured) > NO_WONDER:
            self._streak = sign * nights
            self._take(look.point)
            young = f"{how}, but {look.known} nights are too few to tell a change from a second mode"
            return of_look(Verdict.SUSPICIOUS, look, young if confirmed else "")
        self._streak = 0
        return self._changed(look, nights, how)

    def _changed(self, look: Look, nights: int, how: str) -> Judgement:
        """Begin a new era with the first of these nights."""
        before = self.nights.levels() | {look.point.block: look.level}
        since = self.nights.begin_era(look.point, nights)
        look = replace(look, since=since)
        self._take(look.point)
        self._long.note(look.off, since)
        self._change = Change(since, look.off, before, look.before, look.scale)
        worse = self._remembered()
        if look.off > 0:
            self._worse = (
                replace(worse, night=self._night, improved=None)
                if worse
                else Regression(since, before, look.before, self._night)
            )
            return of_look(Verdict.NEW, look, how)
        if worse is None or (good := worse.good.get(look.point.block)) is None:
            return of_look(Verdict.IMPROVED, look, how)
        remaining = look.level + look.off - good
        if remaining < max(EFFECT / 2, min(EFFECT, 2 * look.error)):
            return self._recovered(of_look(Verdict.RECOVERED, look, how))
        self._worse = replace(worse, improved=since)
        return replace(of_look(Verdict.IMPROVED, look, how), unrepaired=remaining)

    def _step_young(self, point: Point, change: Change, before: float) -> Judgement:
        """Judge a night of a change with too few nights for its own level: still changed, back, or between."""
        off, noise = point.log - before, BEYOND * change.scale.sigma
        if point.poor:
            return self._still(point, change, off, ", ".join(point.poor))
        within = abs(off) < min(max(EFFECT, noise), abs(change.off) / 2)
        if within or (change.off < 0 and off >= 0):
            return self._undone(point, change, before)
        own = self.nights.of_device(point.block)
        level = median(seen.log for seen in own) if own else before + change.off
        fallen = (level - point.log) * math.copysign(1, change.off)
        if fallen < max(EFFECT, noise):
            self._streak = 0
            self._take(point)
            return self._still(point, change, off)
        seen = self.nights.seen
        last = seen[-1 - abs(self._streak)].point if len(seen) > abs(self._streak) else None
        look = Look(
            point, level, len(own), point.log - level, (point.log - level) / change.scale.sigma, change.scale
        )
        return self._suspected(replace(look, since=point, before=last, known=len(seen)))

    def _undone(self, point: Point, change: Change, before: float) -> Judgement:
        """Undo the change, which is gone, and with it its era."""
        self.nights.undo_era()
        self._change, self._streak = None, 0
        self._long.note(-change.off, change.since)
        self._take(point)
        worse = self._remembered()
        good = worse.good.get(point.block) if worse else None
        nights = self.nights.count() - 1
        judgement = change.still(point, point.log - before, nights)
        if change.off < 0:
            if worse and good is not None:
                return self._sustained(point, worse, good)
            return replace(judgement, reason="the gain of the previous nights is gone")
        if good is None or before - good < EFFECT / 2:
            return self._recovered(replace(judgement, verdict=Verdict.RECOVERED))
        if worse:
            self._worse = replace(worse, improved=point)
        return replace(judgement, verdict=Verdict.IMPROVED, unrepaired=point.log - good)

    def _still(self, point: Point, change: Change, off: float, reason: str = "") -> Judgement:
        worse = self._remembered()
        if worse and (good := worse.good.get(point.block)) is not None:
            return self._sustained(point, worse, good, reason)
        return change.still(point, off, self.nights.count(self.nights.era - 1), reason)

    def _recovered(self, judgement: Judgement) -> Judgement:
        since = self._worse.night if self._worse else self._night
        self._spells.end(self._night, self._night - since)
        self._worse = None
        return judgement

    def _sustained(self, point: Point, worse: Regression, good: float, reason: str = "") -> Judgement:
        return worse.still(point, good, self.nights.before(worse.since), reason)

    def _remembered(self) -> Regression | None:
        if self._worse and self._night - self._worse.night > REMEMBERED:
            self._worse = None
        return self._worse

    def _step_aside(self, look: Look, moved: Moved) -> Judgement:
        """Set the night aside; the level remains the one from before the move."""
        self._streak = 0
        point = look.point
        if not point.poor:
            self.nights.set_aside(point)
            self._long.keep(point, moved.off if abs(moved.off) >= _STEP_OF_DEVICE else 0.0)
        notable = abs(look.off) >= EFFECT or (abs(moved.off) >= EFFECT and abs(look.off) >= EFFECT / 2)
        return of_look(Verdict.ENVIRONMENTAL if notable else Verdict.STEADY, look, moved.witness)

    def _ordinary(self, look: Look) -> Judgement:
        if not look.point.poor:
            self._take(look.point)
        worse = self._remembered()
        block = look.point.block
        good = worse.good.get(block) if worse else None
        if worse and good is not None and (now := self.nights.levels().get(block)) is not None:
            if now - good >= EFFECT / 2:
                return self._sustained(look.point, worse, good)
            if worse.improved:
                judgement = Judgement(
                    Verdict.RECOVERED, look.point, good, now - good, look.nights, since=worse.since
                )
                return self._recovered(judgement)
        return self._second_look(look)

    def _second_look(self, look: Look) -> Judgement:
        drift = self._long.drift(look.point)
        if drift is None:
            self._drifting = None
            return of_look(Verdict.STEADY, look)
        self._drifting = self._drifting or look.point
        return drift.judgement(look.point, self._drifting, look.before)

    def _insufficient(self, point: Point) -> Judgement:
        nights = len(self.nights.of_device(point.block))
        if not point.poor:
            self._take(point)
        judgement = Judgement(Verdict.INSUFFICIENT_DATA, point, nights=nights)
        if not self._former or not (since := self._former.against(point, self.nights.seen)):
            return judgement
        reason = f"SDK {since.before} → {point.sdk}"
        return replace(judgement, level=since.level, off=since.off, reason=reason, sdk=since)

    def _begin_sdk(self) -> None:
        """Start anew, but keep the old SDK's levels to report against."""
        nights = self.nights
        self._former = former_of(nights.seen, nights.era, nights.levels()) or self._former
        nights.begin_sdk()
        self._change, self._worse, self._streak, self._drifting = None, None, 0, None

    def _why_flaky(self, look: Look, *, restless: bool) -> str:
        """Return why a slow night is not news about the network; empty if it may be."""
        nights = max(look.window, self._streak + 1)
        if (
            self._spells.before(look, self._night).nights
            and self._spells.chance(look, self._night, nights + 1) > NO_WONDER
        ):
            return "as before, when it came back each time"
        seen = self.nights.seen
        first = len(seen) - nights
        if restless and first >= 0 and look.point.same_graph(seen[first].point):
            return "the graph is the same, and on this rack such cells are slow for nights and come back"
        return ""

    def _take(self, point: Point) -> None:
        self.nights.take(point)
        self._long.keep(point)
