"""How close values are to a reference: cosine, signal to quantisation noise, largest error, best classes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
MOST_DECIBELS = 200.0
"""SQNR of values that are equal to the last bit; and, negated, of a reference that is 0 throughout."""
_CHUNK = 1 << 20
_TOP = 5


class Agreement(NamedTuple):
    """How closely two tensors of one shape, or many such pairs, agree.

    `left_out` counts the values that are not finite in the reference and therefore left out.
    """

    cosine: float
    sqnr_db: float
    max_abs_error: float
    left_out: int


class Sums:
    """Pairs of tensors, compared as if all of them were one: powers are summed over the values of all."""

    def __init__(self) -> None:
        self._signal = self._noise = self._power = self._product = self._largest = 0.0
        self._left_out = 0

    def add(self, reference: Values, computed: Values) -> None:
        """Add a pair of one shape. Raises ValueError if computed values are not finite where the reference's are."""
        broken = 0
        wanted, given = reference.reshape(-1), computed.reshape(-1)
        for start in range(0, wanted.size, _CHUNK):
            here = wanted[start : start + _CHUNK].astype(np.float64)
            there = given[start : start + _CHUNK].astype(np.float64)
            finite = np.isfinite(here)
            self._left_out += int(here.size - finite.sum())
            here, there = here[finite], there[finite]
            broken += int(here.size - np.isfinite(there).sum())
            if broken or not here.size:
                continue
            error = there - here
            self._signal += float(here @ here)
            self._power += float(there @ there)
            self._product += float(here @ there)
            self._noise += float(error @ error)
            self._largest = max(self._largest, float(np.abs(error).max()))
        if broken:
            raise ValueError(
                f"{broken} of {wanted.size} values are infinite or NaN where the ONNX's are finite"
            )

    def join(self, other: Sums) -> None:
        """Add all pairs of another `Sums`."""
        self._signal += other._signal
        self._noise += other._noise
        self._power += other._power
        self._product += other._product
        self._largest = max(self._largest, other._largest)
        self._left_out += other._left_out

    @property
    def agreement(self) -> Agreement:
        """The agreement over all pairs."""
        return Agreement(
            _cosine(self._signal, self._power, self._product),
            _decibels(self._signal, self._noise),
            self._largest,
            self._left_out,
        )


def agreement(reference: Values, computed: Values) -> Agreement:
    """Compare the values of two tensors of one shape. Raises ValueError as `Sums.add` does."""
    sums = Sums()
    sums.add(reference, computed)
    return sums.agreement


def _cosine(signal: float, power: float, product: float) -> float:
    if not signal or not power:
        return 1.0 if signal == power else 0.0
    return max(-1.0, min(1.0, product / math.sqrt(signal) / math.sqrt(power)))


def _decibels(signal: float, noise: float) -> float:
    if not noise:
        return MOST_DECIBELS
    if not signal:
        return -MOST_DECIBELS
    return max(-MOST_DECIBELS, min(MOST_DECIBELS, 10 * math.log10(signal / noise)))


def are_classes(shape: tuple[int, ...]) -> bool:
    """Whether an output, if it is the only one, may be a classifier's: a row of scores per image."""
    return len(shape) == 2 and shape[1] > 1


class BestClasses:
    """How often rows of scores have the same best class as the reference; of equal scores, the first counts."""

    def __init__(self) -> None:
        self._rows = self._first = self._among = self._classes = 0

    def add(self, reference: Values, computed: Values) -> None:
        """Add rows of scores."""
        best = reference.argmax(axis=1)
        ranked = np.argsort(-computed, axis=1, kind="stable")[:, :_TOP]
        self._rows += len(best)
        self._classes = reference.shape[1]
        self._first += int((computed.argmax(axis=1) == best).sum())
        self._among += int((ranked == best[:, None]).any(axis=1).sum())

    @property
    def percent(self) -> tuple[float, float | None]:
        """Percentages of rows whose best class is the reference's, and that have it among their best five.

        The second is None if there are no more than five classes.
        """
        first, among = (100 * count / self._rows for count in (self._first, self._among))
        return first, among if self._classes > _TOP else None
