"""The answer to a tuning, as it is stored and shown. All of its figures are simulated."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.estimate.model import Estimate
from qhas.sweep.spec import PrepareOptions
from qhas.tune.devices import Decision
from qhas.tune.outputs import OutputCheck
from qhas.units import microseconds, signed_percent, size


class Objective(StrEnum):
    """What is to be small."""

    TIME = "time"
    """Microseconds of one inference."""
    DRAM = "dram"
    """Bytes between DRAM and the HTP, of one inference."""
    VTCM = "vtcm"
    """The most bytes of VTCM in use at once: what other networks do not have meanwhile."""
    SIZE = "size"
    """Bytes of the context binary."""


OptionValue = int | bool


class Tried(Stored):
    """One way to compile the network, and what the simulator says of it."""

    model_config = ConfigDict(frozen=True)

    options: dict[str, OptionValue]
    """As in `prepare` of a sweep; what is left out is the compiler's choice."""
    time_us: float
    interval_us: tuple[float, float] | None
    """Qualcomm's own interval of `time_us`; None for a SoC that it gives none for."""
    dram: int
    peak_vtcm: int
    context_bytes: int

    @classmethod
    def of(cls, options: PrepareOptions, estimate: Estimate) -> Tried:
        """The figures of a trial."""
        return cls(
            options=options.model_dump(exclude_none=True),
            time_us=estimate.time_us,
            interval_us=estimate.interval_us,
            dram=estimate.total_dram,
            peak_vtcm=estimate.peak_vtcm,
            context_bytes=estimate.context_bytes,
        )

    def figure(self, objective: Objective) -> float:
        """What the objective is about."""
        return _FIGURE[objective](self)

    @property
    def prepare(self) -> PrepareOptions:
        """Its options as graph-prepare takes them."""
        return PrepareOptions.model_validate(self.options)

    @property
    def told_options(self) -> str:
        """As in `vtcm_mb: 2, dlbc: true`; `the default` for none."""
        return self.prepare.words


_FIGURE: dict[Objective, Callable[[Tried], float]] = {
    Objective.TIME: lambda tried: tried.time_us,
    Objective.DRAM: lambda tried: tried.dram,
    Objective.VTCM: lambda tried: tried.peak_vtcm,
    Objective.SIZE: lambda tried: tried.context_bytes,
}
SHOW: dict[Objective, Callable[[float], str]] = {
    Objective.TIME: microseconds,
    Objective.DRAM: size,
    Objective.VTCM: size,
    Objective.SIZE: size,
}
"""The objective's figure for people."""
NOUN = {
    Objective.TIME: "time of an inference",
    Objective.DRAM: "DRAM traffic",
    Objective.VTCM: "peak VTCM",
    Objective.SIZE: "size of the context binary",
}


class Effect(Stored):
    """What one value of one option does to the objective, in percent."""

    model_config = ConfigDict(frozen=True)

    option: str
    value: OptionValue
    alone: float
    """Against the default."""
    in_best: float | None = None
    """What the best options would lose without it; None for what is not among them."""


class AxisEffect(Stored):
    """A value of an option against leaving it out, all else equal: the geometric mean over so many pairs of trials, in percent."""

    option: str
    value: OptionValue
    percent: float
    pairs: int


class Refused(Stored):
    """Options that cannot be compiled."""

    options: dict[str, OptionValue]
    why: str


class Tuning(Stored):
    """The best options of a network on a SoC."""

    tuning_id: str
    network: str
    soc: str
    sdk: str
    objective: Objective
    default: Tried
    best: Tried
    tried: list[Tried]
    pareto: list[int]
    """Numbers in `tried`: those that no other beats in time, DRAM and VTCM at once; fastest first."""
    effects: list[Effect]
    on_average: list[AxisEffect] = []
    """Over all that was tried."""
    refused: list[Refused] = []
    grid: int
    """How many combinations there are; where not all were tried, those that the single options promised most of."""
    outputs: OutputCheck | None = None
    decision: Decision | None = None
    """What a device says, where the rack has one; then `best` is what it decided."""
    truth: str
    """What is known of how true the simulator is for this SoC and network, without full stop."""
    compiled: int = 0
    """Trials that were made this time, and not found in the store."""

    @property
    def gain_percent(self) -> float:
        """Change of the objective by the best options, simulated: 0 or less, unless a device decided otherwise."""
        before = self.default.figure(self.objective)
        return 100 * (self.best.figure(self.objective) / before - 1) if before else 0.0

    @property
    def gained(self) -> bool:
        """Whether any options are better than the default."""
        return bool(self.best.options)

    @property
    def sentence(self) -> str:
        """The gain, its interval, and in the same breath how far it may be believed."""
        what, show = NOUN[self.objective], SHOW[self.objective]
        place = f"{self.network} on {self.soc}"
        if self.decision and self.decision.winner is not None:
            return f"{place}: {what} {self._measured(self.decision, self.decision.winner)}."
        undecided = f"; no device decided: {self.decision.why}" if self.decision else ""
        if not self.gained:
            return (
                f"{place}: none of {len(self.tried)} combinations is simulated better than the default, {what} "
                f"{show(self.default.figure(self.objective))}; {self.truth}."
            )
        values = f"{show(self.best.figure(self.objective))} in place of {show(self.default.figure(self.objective))}"
        checked = f"; {self.outputs.sentence}" if self.outputs else ""
        return (
            f"{place}: {what} {signed_percent(self.gain_percent)}, simulated and confirmed by no device: {values}"
            f"{self._interval}; {self.truth}{checked}{undecided}."
        )

    def _measured(self, decision: Decision, winner: int) -> str:
        """The device's word, and what the simulator had said, each called what it is."""
        default = decision.timed[0]
        how = f"on {decision.device}, in turns with the default, {len(default.rounds_us)} rounds of medians"
        if not winner:
            tried = "; ".join(
                f"{each.words} {signed_percent(decision.percent(number))}"
                for number, each in enumerate(decision.timed)
                if number
            )
            return (
                f"stays at the default's {microseconds(default.median_us)}, measured {how}: none of what is simulated faster is faster in "
                f"every round ({tried}, measured)"
            )
        checked = f"; {self.outputs.sentence}" if self.outputs else ""
        return (
            f"{signed_percent(decision.percent(winner))}, measured {how}: {microseconds(decision.timed[winner].median_us)} in place of "
            f"{microseconds(default.median_us)}; simulated at {signed_percent(self.gain_percent)}{checked}"
        )

    @property
    def _interval(self) -> str:
        if self.objective is not Objective.TIME:
            return ""
        if self.best.interval_us is None or self.default.interval_us is None:
            return " (Qualcomm gives no interval for this SoC)"
        (low, high), (least, most) = self.best.interval_us, self.default.interval_us
        apart = "which do not overlap" if high < least else "which overlap"
        return (
            f" (Qualcomm's intervals {microseconds(low)} to {microseconds(high)} and {microseconds(least)} to "
            f"{microseconds(most)}, {apart})"
        )

    @property
    def block(self) -> str:
        """What to paste into sweep.yaml."""
        if not self.gained:
            return "prepare: {}\n"
        lines = [f"  {name}: {str(value).lower()}" for name, value in self.best.options.items()]
        return "\n".join(["prepare:", *lines]) + "\n"
