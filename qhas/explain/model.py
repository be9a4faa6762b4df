"""What bounds a network, in the form in which it is shown. All figures are simulated."""

from __future__ import annotations

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.explain.experiments import Resource
from qhas.outside_text import shown
from qhas.units import microseconds, number, signed_percent

_FEW_THREADS = 60
"""Percent: an op on fewer of the HVX threads leaves capacity unused."""
_OF_UNIT = {
    "HMX": Resource.HMX,
    "HVX": Resource.HVX,
    "HLX": Resource.HVX,
    "DMA": Resource.DRAM,
}


class Finding(Stored):
    """What one experiment showed."""

    model_config = ConfigDict(frozen=True)

    resource: Resource
    factor: float
    """The factor on its speed or size: 0.5 or 2."""
    time_us: float | None = None
    """None if there is no estimate."""
    change_percent: float | None = None
    elasticity: float | None = None
    """Elasticity of time to the resource's speed; None if the setting is not in force."""
    pure: bool = True
    """Whether the compiler made the same HTP ops; otherwise the change is partly due to them."""
    note: str = ""


class OpBound(Stored):
    """Ops of one QNN node and HTP op on the dominant path."""

    model_config = ConfigDict(frozen=True)

    node: str
    type: str
    htp_op: str
    dtype: str
    dims: tuple[int, ...]
    unit: str
    share_percent: float
    """Share of the timeline."""
    bound: Resource | None
    """What its cycles follow most in the experiments; None if nothing, and for the time in which nothing works."""
    follows: float | None = None
    """How far its cycles follow the bound."""
    ceiling_percent: float | None = None
    """Share of the most that a small network of known work gets from the unit, while the op is at work.

    Counted in multiply-accumulates for HMX, in bytes that element-wise ops read and write on all threads for HVX, and
    in bytes for DRAM.
    """
    threads_percent: float | None = None
    """Share of the HVX threads in use while the op is at work."""
    too_fast: bool = False
    """Whether it is simulated faster than any op of the small networks.

    If so, `ceiling_percent` is None, and its cost is the least credible.
    """
    format_change: bool = False

    @property
    def runs_on(self) -> Resource | None:
        """The resource that its unit alone suggests it waits for."""
        return _OF_UNIT.get(self.unit)

    @property
    def text(self) -> str:
        """The op in words, as in `Quantize x_q (25 % of the time, HVX, at 25 % of its ceiling)`."""
        name = shown(f"{self.type} {self.node}".strip()) or "no op running"
        parts = [f"{self.share_percent:.0f} % of the time", self.bound or self.unit or "waiting"]
        if self.threads_percent is not None:
            parts.append(f"on {self.threads_percent:.0f} % of its threads")
        if self.ceiling_percent is not None:
            parts.append(f"at {self.ceiling_percent:.0f} % of its ceiling")
        return f"{name} ({', '.join(parts)})"


class Explanation(Stored):
    """What bounds a network on a SoC."""

    network: str
    soc: str
    sdk: str
    options: str
    time_us: float
    findings: list[Finding]
    ops: list[OpBound]
    """The ops of the dominant path, those with the largest share first."""
    bounded_percent: float
    """Share of the work on the dominant path that has a bound."""
    format_change_percent: float
    idle_percent: float
    """Share of the timeline in which nothing works: the foreground thread hands over or waits."""
    fill: int | None
    spill: int | None
    truth: str
    compiled: int = 0

    def elasticity(self, resource: Resource) -> float | None:
        """Return the elasticity of time to a resource that is halved; None if not known."""
        return next(
            (each.elasticity for each in self.findings if each.resource is resource and each.factor < 1), None
        )

    @property
    def too_fast_percent(self) -> float:
        """Share of the timeline of ops that are simulated faster than any of the small networks."""
        return sum(op.share_percent for op in self.ops if op.too_fast)

    @property
    def agreement(self) -> tuple[int, int]:
        """For how many ops the bound is the one that their unit suggests, and how many ops have both."""
        tried = [op for op in self.ops if op.bound and op.runs_on]
        return sum(op.bound is op.runs_on for op in tried), len(tried)

    @property
    def sentences(self) -> tuple[str, str, str]:
        """What bounds the network, which ops take the time, and what would help most."""
        return self._bound, self._ops, self._help

    @property
    def _bound(self) -> str:
        engines = [
            (value, resource)
            for resource in (Resource.HVX, Resource.HMX, Resource.DRAM)
            if (value := self.elasticity(resource)) is not None
        ]
        most, resource = max(engines, default=(0.0, Resource.CLOCK), key=lambda each: each[0])
        others = "".join(
            f", to {other} {number(f'{value:.2f}')}" for value, other in sorted(engines, reverse=True)[1:]
        )
        known = f"{self.network} on {self.soc}, simulated at {microseconds(self.time_us)},"
        if most < 0.3:
            return (
                f"{known} is bound by no single engine: its elasticity to {resource} is {most:.2f} (1 = fully proportional)"
                f"{others}, and no op runs for {self.idle_percent:.0f} % of the time; {self.truth}."
            )
        return (
            f"{known} is bound by {resource}: its elasticity to {resource} is {most:.2f} (1 = fully proportional){others}, "
            f"according to the simulator's what-ifs; {self.truth}."
        )

    @property
    def _ops(self) -> str:
        shown = [op.text for op in self.ops if op.htp_op][:3]
        moved = (
            f"; format changes take {self.format_change_percent:.0f} %"
            if self.format_change_percent >= 1
            else ""
        )
        return (
            f"Most of it is {', '.join(shown)}{moved}; no op runs for {self.idle_percent:.0f} % of the time."
        )

    @property
    def _help(self) -> str:
        helped = [
            each for each in self.findings if each.change_percent is not None and each.change_percent < -1
        ]
        options = [each for each in helped if each.resource in (Resource.VTCM, Resource.THREADS)]
        faster = [each for each in helped if each.factor > 1 and each.resource is not Resource.CLOCK]
        parts = []
        if options:
            best = min(options, key=lambda each: each.change_percent or 0)
            parts.append(
                f"half of the {best.resource}, an option of graph-prepare, is simulated at {_percent(best)}"
            )
        if faster:
            best = min(faster, key=lambda each: each.change_percent or 0)
            parts.append(
                f"of the engines, {best.resource} at twice the speed, or half as much work for it, at {_percent(best)}"
            )
        serial = next(
            (op for op in self.ops if op.threads_percent is not None and op.threads_percent < _FEW_THREADS),
            None,
        )
        if serial and serial.share_percent >= 5:
            parts.append(f"{serial.text} leaves the other threads unused")
        return f"What would help most (simulated, not confirmed on a device): {'; '.join(parts) or 'nothing tried helps by more than 1 %'}."


def _percent(finding: Finding) -> str:
    return signed_percent(finding.change_percent)
