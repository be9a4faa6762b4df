"""How far values are from those they should be: cosine, signal to quantisation noise, largest error, the best classes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
MOST_DECIBELS = 200.0
"""Of values that are the same to the last bit; and, with its sign turned, of a reference that is 0 throughout."""
_CHUNK = 1 << 20
_TOP = 5


class Agreement(NamedTuple):
    """Of two tensors of the same shape. Not finite in the reference, and so left out: `left_out` values."""

    cosine: float
    sqnr_db: float
    max_abs_error: float
    left_out: int


def agreement(reference: Values, computed: Values) -> Agreement:
    """How near the computed values are. Raises ValueError where they are no finite numbers and the reference's are."""
    signal = noise = power = product = largest = 0.0
    counted = broken = 0
    wanted, given = reference.reshape(-1), computed.reshape(-1)
    for start in range(0, wanted.size, _CHUNK):
        here = wanted[start : start + _CHUNK].astype(np.float64)
        there = given[start : start + _CHUNK].astype(np.float64)
        told = np.isfinite(here)
        here, there = here[told], there[told]
        counted += here.size
        broken += int(here.size - np.isfinite(there).sum())
        if broken or not here.size:
            continue
        error = there - here
        signal += float(here @ here)
        power += float(there @ there)
        product += float(here @ there)
        noise += float(error @ error)
        largest = max(largest, float(np.abs(error).max()))
    if broken:
        raise ValueError(
            f"{broken} of {wanted.size} values are infinite or no numbers where the ONNX's are finite"
        )
    return Agreement(
        _cosine(signal, power, product), _decibels(signal, noise), largest, wanted.size - counted
    )


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
    """Whether an output, if it is the only one, may be a classifier's: a row of scores an image."""
    return len(shape) == 2 and shape[1] > 1


def best_classes(reference: Values, computed: Values) -> tuple[float, float | None]:
    """Percent of the rows whose best class is the reference's, and of those that have it among their best five.

    None for the latter where there are no more than five. Of equal scores the first counts.
    """
    best = reference.argmax(axis=1)
    first = float((computed.argmax(axis=1) == best).mean()) * 100
    if reference.shape[1] <= _TOP:
        return first, None
    ranked = np.argsort(-computed, axis=1, kind="stable")[:, :_TOP]
    return first, float((ranked == best[:, None]).any(axis=1).mean()) * 100
