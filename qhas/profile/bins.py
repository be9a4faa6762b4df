"""Equal stretches of time, and what of an op or a transfer lies in each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from qhas.profile.traffic import Transfer

Bins = defaultdict[int, defaultdict[int, float]]
"""Cycles by op type and bin."""
LevelBins = dict[int, tuple[float, float]]
"""Of a bin with samples the highest level, and that at its end."""


def new_bins() -> Bins:
    return defaultdict(_no_cycles)


def _no_cycles() -> defaultdict[int, float]:
    return defaultdict(float)


def spread(bins: Bins, op: int, start: int, length: int, amount: float, width: int) -> None:
    """Put an amount into the bins evenly over a stretch of cycles."""
    first, last = start // width, (start + length - 1) // width
    if first == last:
        bins[first][op] += amount
        return
    share = amount / length
    bins[first][op] += ((first + 1) * width - start) * share
    for at in range(first + 1, last):
        bins[at][op] += width * share
    bins[last][op] += (start + length - last * width) * share


def halved(bins: Bins) -> Bins:
    """Bins twice as wide."""
    pairs = new_bins()
    for at, by_op in bins.items():
        pair = pairs[at // 2]
        for op, amount in by_op.items():
            pair[op] += amount
    return pairs


def cycles_in(bins: Bins) -> float:
    return sum(amount for by_op in bins.values() for amount in by_op.values())


def shares(moves: Iterable[Transfer], bins: int, width: int) -> list[float]:
    """What of the moves lies in every bin. What lies behind the last bin counts to it."""
    amounts = [0.0] * bins
    for start, end, amount in moves:
        first, last = min(start // width, bins - 1), min((end - 1) // width, bins - 1)
        for at in range(first, last + 1):
            overlap = (end if at == last else (at + 1) * width) - (start if at == first else at * width)
            amounts[at] += amount * overlap / (end - start)
    return amounts


def whole(amounts: Iterable[float]) -> list[int]:
    """Whole numbers that add up to the same."""
    reached, assigned, values = 0.0, 0, []
    for amount in amounts:
        reached += amount
        values.append(round(reached) - assigned)
        assigned += values[-1]
    return values


def halved_levels(levels: LevelBins) -> LevelBins:
    """Bins twice as wide."""
    pairs: LevelBins = {}
    for at in sorted(levels):
        most, last = levels[at]
        pairs[at // 2] = (max(most, pairs[at // 2][0] if at // 2 in pairs else 0), last)
    return pairs


def levels_of(levels: LevelBins, bins: int) -> list[int]:
    """The highest level of every bin; where there is no sample, the level before."""
    values, last = [], 0.0
    for at in range(bins):
        most, after = levels.get(at, (last, last))
        values.append(int(max(most, last)))
        last = after
    return values
