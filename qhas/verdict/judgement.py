"""What a ladder says of a night, before it is put into words."""

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
    unrepaired: float | None = None
    """How far a regression that has become better is still off, as a logarithm."""
    rate: float | None = None
    """Of a drift, a night, as a logarithm."""
    sdk: SinceSdk | None = None
    """On nights on which the SDK is too new to have a level of its own."""

    @property
    def unconfirmed(self) -> bool:
        """Whether it tells of a change that nothing is remembered of."""
        return self.verdict in (Verdict.SUSPICIOUS, Verdict.FLAKY, Verdict.DRIFTING)

    def accepted(self, by: str) -> Judgement:
        """The same where somebody has said that it is to be so; a night that told of no change says the same as before."""
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
    """A device has moved by `off`, a logarithm, and `witness` says who tells so."""

    off: float
    witness: str


def of_look(verdict: Verdict, look: Look, reason: str = "") -> Judgement:
    """A verdict that tells what the look has seen."""
    return Judgement(
        verdict, look.point, look.level, look.off, look.nights, look.scale, look.since, reason, look.before
    )
