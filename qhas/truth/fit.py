"""From pairs to a calibration: a robust line, its errors on networks it has not seen, and an interval.

measured = a + b x simulated, by the least absolute deviation of the logarithms: a few networks that the simulator gets
wrong by a factor move neither number. The interval comes from the residuals of families left out of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qhas.truth.tables import Pair

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    Groups = np.ndarray[tuple[int, ...], np.dtype[Any]]

LEAST = 8
"""The fewest pairs that a line is fitted to."""
WANTED = 0.80
"""The share of left-out networks that the interval should hold."""


@dataclass(frozen=True)
class Line:
    """A device's milliseconds: `constant` per inference, plus `slope` per simulated millisecond."""

    constant: float
    slope: float

    def at(self, simulated_ms: float) -> float:
        """Return what is expected for a simulated time."""
        return self.constant + self.slope * simulated_ms


@dataclass(frozen=True)
class Calibration:
    """A line, the factor of its interval, and how good both are. Errors are shares of the measured time."""

    n: int
    families: int
    least_ms: float
    """The shortest of the simulated times that it was fitted to; `most_ms` is the longest."""
    most_ms: float
    spearman: float
    ratio: float
    """Median of measured over simulated; `ratio_10` and `ratio_90` are its 10 % and 90 % quantiles."""
    ratio_10: float
    ratio_90: float
    constant_ms: float
    slope: float
    spread: float
    """The interval runs from the line's value divided by this to the value times this."""
    coverage: float
    """Share of networks, each with its family left out, that the interval holds."""
    error_raw: float
    """Median error of the simulated time itself."""
    error_network: float
    """Median error of the line with the network left out."""
    error_network_90: float
    error_family: float
    """The same with its whole family left out."""
    error_family_90: float

    def expected_ms(self, simulated_ms: float) -> float:
        """Return what a device is expected to take."""
        return Line(self.constant_ms, self.slope).at(simulated_ms)


def fit(simulated: Array, measured: Array, constant: float | None = None) -> Line:
    """Fit the line on a grid that is refined twice; its constant is given, or found and not below 0."""
    import numpy as np

    logarithms = np.log(measured)
    middle = float(np.median(measured / simulated))
    constants = np.linspace(0, 1, 26) if constant is None else np.array([constant])
    slopes = middle * np.exp(np.linspace(-1, 0.6, 41))
    line, reach, factor = Line(0, middle), 0.04, 0.04
    for _ in range(3):
        expected = np.log(constants[:, None, None] + slopes[None, :, None] * simulated[None, None, :])
        deviation = np.abs(expected - logarithms).sum(axis=-1)
        row, column = divmod(_middle_of_the_least(deviation), len(slopes))
        line = Line(float(constants[row]), float(slopes[column]))
        if constant is None:
            constants = np.linspace(max(0.0, line.constant - reach), line.constant + reach, 9)
        slopes = line.slope * np.exp(np.linspace(-factor, factor, 9))
        reach, factor = reach / 4, factor / 4
    return Line(round(line.constant, 3), round(line.slope, 4))


def _middle_of_the_least(deviation: Array) -> int:
    """Return the middle one of equally good lines: which is least by the last bit differs between processors."""
    import numpy as np

    least = np.flatnonzero(deviation.round(9) == deviation.round(9).min())
    return int(least[len(least) // 2])


def calibrate(pairs: Sequence[Pair], constant: float | None = None) -> Calibration | None:
    """Calibrate on these pairs, with `constant` given or found; None for fewer than `LEAST`."""
    if len(pairs) < LEAST:
        return None
    import numpy as np

    simulated = np.array([pair.simulated_ms for pair in pairs])
    measured = np.array([pair.measured_ms for pair in pairs])
    return calibrated(simulated, measured, np.array([pair.network.family for pair in pairs]), constant)


def calibrated(
    simulated: Array, measured: Array, families: Groups, constant: float | None = None
) -> Calibration:
    """Calibrate on simulated and measured milliseconds, each with its family."""
    import numpy as np

    by_network = _residuals(simulated, measured, np.arange(len(simulated)), constant)
    by_family = _residuals(simulated, measured, families, constant)
    line, ratios = fit(simulated, measured, constant), measured / simulated
    spread, coverage = _interval(by_family, families)

    def quantile(values: Array, share: float) -> float:
        return round(float(np.quantile(values, share)), 4)

    return Calibration(
        n=len(simulated),
        families=len(set(families)),
        least_ms=round(float(simulated.min()), 4),
        most_ms=round(float(simulated.max()), 4),
        spearman=round(spearman(simulated, measured), 4),
        ratio=quantile(ratios, 0.5),
        ratio_10=quantile(ratios, 0.1),
        ratio_90=quantile(ratios, 0.9),
        constant_ms=line.constant,
        slope=line.slope,
        spread=round(spread, 4),
        coverage=round(coverage, 4),
        error_raw=quantile(np.abs(1 - 1 / ratios), 0.5),
        error_network=quantile(_errors(by_network), 0.5),
        error_network_90=quantile(_errors(by_network), 0.9),
        error_family=quantile(_errors(by_family), 0.5),
        error_family_90=quantile(_errors(by_family), 0.9),
    )


def spearman(left: Array, right: Array) -> float:
    """Return the rank correlation; equal values share their mean rank."""
    import numpy as np

    return float(np.corrcoef(_ranks(left), _ranks(right))[0, 1])


def _ranks(values: Array) -> Array:
    import numpy as np

    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _residuals(simulated: Array, measured: Array, group: Groups, constant: float | None) -> Array:
    """Return each network's logarithm of measured over expected, by a line that has seen none of its group."""
    import numpy as np

    residual = np.empty(len(simulated))
    for name in np.unique(group):
        out = group == name
        line = fit(simulated[~out], measured[~out], constant)
        residual[out] = np.log(measured[out] / (line.constant + line.slope * simulated[out]))
    return residual


def _errors(residual: Array) -> Array:
    import numpy as np

    errors: Array = np.abs(np.exp(-residual) - 1)
    return errors


def _interval(residual: Array, families: Groups) -> tuple[float, float]:
    """Return the factor that the interval reaches up and down from the line, and the share of networks it held.

    It is a quantile of the residuals, or somewhat more than the largest: the one whose share is nearest to `WANTED`
    when each family in turn is judged by the others' residuals; of two, the narrower.
    """
    import numpy as np

    distance, steps = np.abs(residual), np.arange(50, 300) / 100

    def reach(values: Array) -> Array:
        return np.quantile(values, np.minimum(steps, 1)) * np.maximum(steps, 1)

    held = np.zeros(len(steps))
    for name in np.unique(families):
        out = families == name
        held += (distance[out][:, None] <= reach(distance[~out])[None, :]).sum(axis=0)
    coverage = held / len(distance)
    best = int(np.argmin(np.abs(coverage - WANTED).round(6)))
    return float(np.exp(reach(distance)[best])), float(coverage[best])
