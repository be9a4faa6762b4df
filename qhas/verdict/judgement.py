"""What a ladder says about a night, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qhas.verdict.look import Look
from qhas.verdict.model import Verdict
from qhas.verdict.noise import Scale
from qhas.verdict.point import Point


@dataclass(frozen=True)
class SinceSdk:
    """A figure against its level with the SDK before. `beyond` is whether it is off by more than noise and effect."""

    before: str
    level: float
    off: float
    beyond: bool


@dataclass(frozen=True)
class Judgement:
    """A verdict on a night, with what its sentence needs. `level` and `off` are of the level that it reports."""

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
    unrepaired: float | None = None
    """How far off a regression that has become better still is, as a logarithm."""
    rate: float | None = None
    """The change per night of a drift, as a logarithm."""
    sdk: SinceSdk | None = None
    """Set on nights on which the SDK is too new to have a level of its own."""

    @property
    def unconfirmed(self) -> bool:
        """Whether it reports a change of which nothing is remembered."""
        return self.verdict in (Verdict.SUSPICIOUS, Verdict.FLAKY, Verdict.DRIFTING)

    def accepted(self, by: str) -> Judgement:
        """Return this judgement as accepted, with `by` as the reason; without a change to accept, the verdict stays."""
        same = self.verdict in (Verdict.STEADY, Verdict.INSUFFICIENT_DATA) and not (
            self.sdk and self.sdk.beyond
        )
        if same or self.level is None:
            return replace(self, sdk=None)
        return replace(
            self, verdict=Verdict.ACCEPTED, reason=by, unrepaired=None, rate=None, scale=None, sdk=None
        )


@dataclass(frozen=True)
class Moved:
    """A move of a device by `off`, a logarithm; `witness` says what shows it."""

    off: float
    witness: str


def of_look(verdict: Verdict, look: Look, reason: str = "") -> Judgement:
    """Return a judgement that reports what the look has seen."""
    return Judgement(
        verdict, look.point, look.level, look.off, look.nights, look.scale, look.since, reason, look.before
    )
