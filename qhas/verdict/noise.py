"""Robust statistics of few, noisy nights. All figures are natural logarithms: differences are relative changes.

Level: median. Scale: median absolute deviation from each device's own level, pooled over devices, times 1.4826 (the
normal distribution's), corrected for the levels that were estimated (Rousseeuw and Croux, "Alternatives to the Median
Absolute Deviation", JASA 88, 1993: the MAD is 37 % as efficient as the standard deviation, so n nights count as 0.37
n degrees of freedom of Student's t). Nights that resemble the one before say less than the same number of independent
ones: the variance of their mean is that of a first-order autoregression. Several tests a night: Benjamini and
Hochberg, "Controlling the False Discovery Rate", JRSS B 57, 1995.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

MAD_TO_SIGMA = 1.4826
MAD_EFFICIENCY = 0.37
MEDIAN_VARIANCE = math.pi / 2
"""The variance of a median, in variances of a mean of as many values."""
_FAR = 60
LEAST_SIGMA = 0.002
"""The least noise: nights that happen to agree to the last digit do not mean that there is none."""


_MOST_PERSISTENT = 0.95
_UNSURE = 5
"""Pairs of nights may agree by chance: this many more are assumed in which no night resembles the one before."""


class Scale(NamedTuple):
    """The noise between nights: its standard deviation, and the degrees of freedom with which it is known."""

    sigma: float
    freedom: float


def scale(groups: Collection[Sequence[float]]) -> Scale:
    """Return the common scale of groups with levels of their own; there must be more values than groups."""
    off = [abs(value - middle) for group in groups for middle in [median(group)] for value in group]
    freedom = len(off) - len(groups)
    sigma = MAD_TO_SIGMA * median(off) * math.sqrt(len(off) / freedom)
    return Scale(max(sigma, LEAST_SIGMA), max(1.0, MAD_EFFICIENCY * freedom))


def persistence(offs: Sequence[float], sigma: float) -> float:
    """Return how much each night resembles the one before, from 0 to 0.95.

    This is the correlation of consecutive nights, given in order as differences from their level. Values beyond three
    sigma count as three, so that one slow night does not create it.
    """
    near = [min(max(off, -3 * sigma), 3 * sigma) for off in offs]
    products = sum(here * after for here, after in pairwise(near))
    squares = sum(here * here for here in near) + _UNSURE * sigma * sigma
    return min(max(products / squares, 0.0), _MOST_PERSISTENT)


def mean_variance(count: int, resembling: float) -> float:
    """Return the variance of the mean of `count` consecutive nights, in variances of one night."""
    if not resembling:
        return 1 / count
    pairs = sum((1 - lag / count) * resembling**lag for lag in range(1, min(count, _FAR)))
    return (1 + 2 * pairs) / count


def surprises(z: Sequence[float], freedom: Sequence[float], tests: int) -> list[float]:
    """Return two-sided p-values of the largest of several tests each (Bonferroni), adjusted for each other.

    The adjustment is Benjamini and Hochberg's.
    """
    if not z:
        return []
    from scipy.special import stdtr  # not scipy.stats: it takes a second to import, and 50 MiB

    p = [
        min(2 * tests * float(stdtr(free, -abs(value))), 1.0) for value, free in zip(z, freedom, strict=True)
    ]
    return _adjusted(p)


def _adjusted(p: Sequence[float]) -> list[float]:
    """Adjust p-values so that those below a level have at most that share of false alarms (Benjamini-Hochberg)."""
    adjusted, least = [1.0] * len(p), 1.0
    by_size = sorted(range(len(p)), key=p.__getitem__)
    for rank in range(len(p), 0, -1):
        place = by_size[rank - 1]
        adjusted[place] = least = min(least, p[place] * (len(p) / rank))
    return adjusted
