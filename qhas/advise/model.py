"""What was tried on a network, and what helped. All times are simulated."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.units import microseconds, signed_percent


class Verdict(StrEnum):
    """The outcome of a rewrite."""

    HELPED = "helped"
    """It made the network faster on its own."""
    NO_HELP = "no help"
    """It did not make the network faster on its own."""
    NOT_EXACT = "not exact"
    """The network computes something else, or could not be checked: it is not advised, whatever its gain."""
    REFUSED = "refused"
    """The rewritten network has no estimate."""
    NOT_APPLICABLE = "not applicable"
    """The network has nothing to rewrite in this way."""


class Attempt(Stored):
    """A rewrite tried on its own."""

    model_config = ConfigDict(frozen=True)

    name: str
    sentence: str
    source: str
    interface: str = ""
    verdict: Verdict
    places: int = 0
    time_us: float | None = None
    gain_percent: float | None = None
    """Change in time; below 0 is faster."""
    error: float | None = None
    """Largest difference in outputs, run by ONNX Runtime on the CPU, as a share of the largest output."""
    why: str = ""


class Advice(Stored):
    """The rewrites that helped, and the network with those that help together."""

    network: str
    soc: str
    sdk: str
    before_us: float
    after_us: float
    together: list[str]
    """Names of the rewrites in the written network, in the order of application."""
    written: str | None = None
    error: float | None = None
    attempts: list[Attempt]
    truth: str
    compiled: int = 0

    @property
    def gain_percent(self) -> float:
        """Change in time through all of `together`."""
        return 100 * (self.after_us / self.before_us - 1)

    def of(self, verdict: Verdict) -> list[Attempt]:
        """Return the rewrites with that verdict, the most helpful first."""
        return sorted(
            (each for each in self.attempts if each.verdict is verdict),
            key=lambda each: each.gain_percent or 0,
        )

    @property
    def sentence(self) -> str:
        """The gain, never without saying that it is simulated and what is known about the simulator."""
        place = f"{self.network} on {self.soc}"
        if not self.together:
            tried = sum(each.verdict is not Verdict.NOT_APPLICABLE for each in self.attempts)
            return f"{place}: none of {tried} applicable rewrites is simulated faster than {microseconds(self.before_us)}; {self.truth}."
        return (
            f"{place}: {signed_percent(self.gain_percent)} by {', '.join(self.together)}, simulated, not confirmed on a device: "
            f"{microseconds(self.after_us)} instead of {microseconds(self.before_us)}; {self.truth}."
        )
