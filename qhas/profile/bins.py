"""Equal bins of time, and how much of an op or a transfer falls into each of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise

from qhas.profile.traffic import Transfer

Bins = dict[int, dict[int, float]]
"""Cycles by bin and op type. Plain dictionaries: an op over many bins adds to each, which is most of the work."""
LevelBins = dict[int, tuple[float, float]]
"""For each bin with samples, the highest level and the level at its end."""


def add(bins: Bins, at: int, op: int, amount: float) -> None:
    """Add an amount to a bin."""
    if (by_op := bins.get(at)) is None:
        bins[at] = {op: amount}
    else:
        by_op[op] = by_op.get(op, 0.0) + amount


def spread(bins: Bins, op: int, start: int, length: int, amount: float, width: int) -> None:
    """Spread an amount over the bins, evenly over a range of cycles."""
    first, last = start // width, (start + length - 1) // width
    if first == last:
        add(bins, first, op, amount)
        return
    share = amount / length
    add(bins, first, op, ((first + 1) * width - start) * share)
    for at in range(first + 1, last):
        add(bins, at, op, width * share)
    add(bins, last, op, (start + length - last * width) * share)


def halved(bins: Bins) -> Bins:
    """Merge pairs of bins into bins twice as wide."""
    pairs: Bins = {}
    for at, by_op in bins.items():
        for op, amount in by_op.items():
            add(pairs, at // 2, op, amount)
    return pairs


def shares(moves: Iterable[Transfer], bins: int, width: int) -> list[float]:
    """Return how much of the moves falls into each bin. Anything beyond the last bin is counted in it."""
    amounts = [0.0] * bins
    for start, end, amount in moves:
        first, last = min(start // width, bins - 1), min((end - 1) // width, bins - 1)
        if first == last:
            amounts[first] += amount
            continue
        length = end - start
        amounts[first] += amount * ((first + 1) * width - start) / length
        full = amount * width / length
        for at in range(first + 1, last):
            amounts[at] += full
        amounts[last] += amount * (end - last * width) / length
    return amounts


def whole(amounts: Iterable[float]) -> list[int]:
    """Round the amounts to integers that add up to the same total."""
    reached = map(round, accumulate(amounts))
    return [after - before for before, after in pairwise((0, *reached))]


def halved_levels(levels: LevelBins) -> LevelBins:
    """Merge pairs of bins into bins twice as wide."""
    pairs: LevelBins = {}
    for at in sorted(levels):
        most, last = levels[at]
        pairs[at // 2] = (max(most, pairs[at // 2][0] if at // 2 in pairs else 0), last)
    return pairs


def levels_of(levels: LevelBins, bins: int) -> list[int]:
    """Return the highest level of every bin; a bin without samples keeps the level before it."""
    values, last = [], 0.0
    for at in range(bins):
        most, after = levels.get(at, (last, last))
        values.append(int(max(most, last)))
        last = after
    return values
