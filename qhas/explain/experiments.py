"""The what-ifs: a resource is halved or doubled, and the setting is read back from the simulator's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import log

from qhas.estimate.model import Estimate
from qhas.estimate.trial import Trial
from qhas.sweep.spec import PrepareOptions

_MB = 1 << 20
_NEAR = 0.02
"""A setting counts as in force within this share of the requested value: some are whole numbers."""


class Resource(StrEnum):
    """What the time may depend on."""

    DRAM = "DRAM bandwidth"
    """The transfer rate between DRAM and VTCM."""
    HMX = "HMX"
    """The matrix engine's speed."""
    HVX = "HVX"
    """The vector units' speed."""
    CLOCK = "core clock"
    """Everything on the HTP at once, except DRAM."""
    VTCM = "VTCM"
    """How much VTCM there is."""
    THREADS = "HVX threads"
    """How many HVX threads there are."""


@dataclass(frozen=True)
class Experiment:
    """A resource at `factor`, 0.5 or 2, times its speed or size.

    `settings` are the simulator's, `prepare` the compiler's.
    """

    resource: Resource
    factor: float
    settings: Mapping[str, int | float] = field(default_factory=dict)
    prepare: Mapping[str, int] = field(default_factory=dict)

    def of(self, trial: Trial) -> Trial:
        """Return the trial with this one thing changed."""
        options = PrepareOptions.model_validate(trial.prepare.model_dump() | dict(self.prepare))
        return replace(trial, prepare=options, settings=dict(self.settings))

    def took(self, estimate: Estimate) -> bool:
        """Whether the simulator reports that everything requested is in force."""
        expected = dict(self.settings) | {
            _IN_FORCE[name][0]: _IN_FORCE[name][1] * size for name, size in self.prepare.items()
        }
        return all(
            (actual := estimate.in_force(name)) is not None and abs(actual - value) <= _NEAR * abs(value)
            for name, value in expected.items()
        )


_IN_FORCE = {"vtcm_mb": ("vtcm_size_in_bytes", _MB), "hvx_threads": ("hvx_threads", 1)}
"""The setting under which the simulator reports an option of graph-prepare, and its unit."""
_SPEEDS = {
    Resource.DRAM: ("sim_ddr_freq",),
    Resource.CLOCK: ("sim_core_freq",),
}
"""Settings that grow with the speed."""
_COSTS = {
    Resource.HMX: ("sim_hmx_int_scale_factor", "sim_hmx_fp_scale_factor"),
    Resource.HVX: ("sim_hvx_int_scale_factor", "sim_hvx_fp_scale_factor"),
}
"""Settings that shrink with the speed: what an op costs."""


def experiments(as_it_is: Estimate) -> list[Experiment]:
    """Plan to halve every resource, and to double it if the simulator can, relative to the values in force."""
    worthwhile = []
    for factor in (0.5, 2.0):
        for table, power in ((_SPEEDS, 1), (_COSTS, -1)):
            for resource, names in table.items():
                values = {name: as_it_is.in_force(name) for name in names}
                if settings := {
                    name: float(value * factor**power) for name, value in values.items() if value
                }:
                    worthwhile.append(Experiment(resource, factor, _typed(settings)))
    vtcm = int((as_it_is.in_force("vtcm_size_in_bytes") or 0) / _MB)
    threads = int(as_it_is.in_force("hvx_threads") or 0)
    if vtcm >= 2:
        worthwhile.append(Experiment(Resource.VTCM, 0.5, prepare={"vtcm_mb": vtcm // 2}))
    if threads >= 2 and threads % 2 == 0:
        worthwhile.append(Experiment(Resource.THREADS, 0.5, prepare={"hvx_threads": threads // 2}))
    return worthwhile


def _typed(settings: Mapping[str, float]) -> dict[str, int | float]:
    """Round the DRAM clock, which the simulator only accepts as a whole number."""
    return {name: round(value) if name == "sim_ddr_freq" else value for name, value in settings.items()}


def elasticity(before_us: float, after_us: float, factor: float) -> float:
    """Return how far time follows a resource: 1 if twice the speed takes half the time, 0 if it does not matter."""
    return -log(after_us / before_us) / log(factor) if before_us > 0 and after_us > 0 else 0.0
