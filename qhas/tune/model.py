"""The answer to a tuning, as it is stored and shown. All its figures are simulated, except a device's decision."""

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
    """The figure to minimise."""

    TIME = "time"
    """Microseconds of one inference."""
    DRAM = "dram"
    """Bytes between DRAM and the HTP in one inference."""
    VTCM = "vtcm"
    """The most bytes of VTCM in use at once, which other networks cannot use in the meantime."""
    SIZE = "size"
    """Bytes of the context binary."""


OptionValue = int | bool


class Tried(Stored):
    """One way to compile the network, and its simulated figures."""

    model_config = ConfigDict(frozen=True)

    options: dict[str, OptionValue]
    """As in `prepare` of a sweep; omitted options are left to the compiler."""
    time_us: float
    interval_us: tuple[float, float] | None
    """Qualcomm's own interval of `time_us`; None for a SoC that it does not cover."""
    dram: int
    peak_vtcm: int
    context_bytes: int

    @classmethod
    def of(cls, options: PrepareOptions, estimate: Estimate) -> Tried:
        """Return the figures of a trial."""
        return cls(
            options=options.model_dump(exclude_none=True),
            time_us=estimate.time_us,
            interval_us=estimate.interval_us,
            dram=estimate.total_dram,
            peak_vtcm=estimate.peak_vtcm,
            context_bytes=estimate.context_bytes,
        )

    def figure(self, objective: Objective) -> float:
        """Return the figure that the objective is about."""
        return _FIGURE[objective](self)

    @property
    def prepare(self) -> PrepareOptions:
        """Its options in the form that graph-prepare accepts."""
        return PrepareOptions.model_validate(self.options)

    @property
    def options_text(self) -> str:
        """Its options as text, such as `vtcm_mb: 2, dlbc: true`; `the default` if there are none."""
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
"""Formatters of the objective's figure for display."""
NOUN = {
    Objective.TIME: "time of an inference",
    Objective.DRAM: "DRAM traffic",
    Objective.VTCM: "peak VTCM",
    Objective.SIZE: "size of the context binary",
}


class Effect(Stored):
    """The effect of one value of one option on the objective, in percent."""

    model_config = ConfigDict(frozen=True)

    option: str
    value: OptionValue
    alone: float
    """Its effect compared with the default."""
    in_best: float | None = None
    """Its effect in the best options, compared with the same options without it; None if it is not among them."""


class AxisEffect(Stored):
    """The effect of a value of an option compared with leaving it out, all else equal.

    It is the geometric mean over `pairs` pairs of trials, in percent.
    """

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
    """Indices in `tried` of those that no other beats in time, DRAM and VTCM at once; fastest first."""
    effects: list[Effect]
    on_average: list[AxisEffect] = []
    """Effects over all trials."""
    refused: list[Refused] = []
    grid: int
    """The number of combinations; if not all were tried, the single options decided which were most promising."""
    outputs: OutputCheck | None = None
    decision: Decision | None = None
    """A device's decision, if the rack has a device; `best` is then what it decided."""
    truth: str
    """How well the simulator is known to match this SoC and network, without a full stop."""
    compiled: int = 0
    """Trials that were compiled this time rather than found in the store."""

    @property
    def gain_percent(self) -> float:
        """The simulated change of the objective by the best options: 0 or less, unless a device decided otherwise."""
        before = self.default.figure(self.objective)
        return 100 * (self.best.figure(self.objective) / before - 1) if before else 0.0

    @property
    def gained(self) -> bool:
        """Whether any options are better than the default."""
        return bool(self.best.options)

    @property
    def sentence(self) -> str:
        """The gain, its interval and how far it can be trusted, in one sentence."""
        what, show = NOUN[self.objective], SHOW[self.objective]
        place = f"{self.network} on {self.soc}"
        if self.decision and self.decision.winner is not None:
            return f"{place}: {what} {self._measured(self.decision, self.decision.winner)}."
        undecided = f"; no device decided: {self.decision.why}" if self.decision else ""
        if not self.gained:
            return (
                f"{place}: none of {len(self.tried)} combinations beats the default in simulation, {what} "
                f"{show(self.default.figure(self.objective))}; {self.truth}."
            )
        values = f"{show(self.best.figure(self.objective))} in place of {show(self.default.figure(self.objective))}"
        checked = f"; {self.outputs.sentence}" if self.outputs else ""
        return (
            f"{place}: {what} {signed_percent(self.gain_percent)}, simulated, not confirmed on a device: {values}"
            f"{self._interval}; {self.truth}{checked}{undecided}."
        )

    def _measured(self, decision: Decision, winner: int) -> str:
        """Return the device's result and the simulator's, each labelled as such."""
        default = decision.timed[0]
        how = (
            f"on {decision.device}, alternating with the default, {len(default.rounds_us)} rounds of medians"
        )
        if not winner:
            tried = "; ".join(
                f"{each.words} {signed_percent(decision.percent(number))}"
                for number, each in enumerate(decision.timed)
                if number
            )
            return (
                f"stays at the default's {microseconds(default.median_us)}, measured {how}: none of the candidates that simulate faster is faster in "
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
        """The block to paste into sweep.yaml."""
        if not self.gained:
            return "prepare: {}\n"
        lines = [f"  {name}: {str(value).lower()}" for name, value in self.best.options.items()]
        return "\n".join(["prepare:", *lines]) + "\n"
