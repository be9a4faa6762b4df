"""What options do to a figure, over all that was tried: shared by tuning and the variants of a sweep."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from math import exp, log
from statistics import fmean
from typing import Any, NamedTuple


class One(NamedTuple):
    """One trial: its options by name, the same names in all trials, and its figure.

    Only trials of the same `group` are compared.
    """

    options: Mapping[str, Hashable]
    figure: float
    group: Hashable = None


class MainEffect(NamedTuple):
    """A value of an option compared with its base, all else equal: the geometric mean over the pairs."""

    option: str
    base: Any
    value: Any
    percent: float
    pairs: int


def main_effects(tried: Sequence[One]) -> Iterator[MainEffect]:
    """Yield the effect of every value compared with the first one of its option. A figure of 0 makes no pair."""
    figures = {(trial.group, frozenset(trial.options.items())): trial.figure for trial in tried}
    for option in tried[0].options if tried else ():
        base, *values = dict.fromkeys(trial.options[option] for trial in tried)
        for value in values:
            ratios = [
                trial.figure / first
                for trial in tried
                if trial.options[option] == value
                and trial.figure
                and (first := figures.get((trial.group, frozenset({**trial.options, option: base}.items()))))
            ]
            if ratios:
                percent = 100 * (exp(fmean(map(log, ratios))) - 1)
                yield MainEffect(option, base, value, percent, len(ratios))


def pareto_front(costs: Sequence[tuple[float, ...]]) -> list[int]:
    """Return the indices of the entries that no other undercuts in one cost without exceeding them in another."""
    return [
        number
        for number, own in enumerate(costs)
        if not any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in costs)
    ]


def front(costs: Sequence[tuple[float, ...]]) -> list[int]:
    """Return the indices of the Pareto front, sorted by the first cost; among equals, only the first one."""
    first = {costs[number]: number for number in reversed(pareto_front(costs))}
    return [first[cost] for cost in sorted(first)]
