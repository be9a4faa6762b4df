"""What each cell of a sweep is expected to take: from its last run, or from its size, corrected by what others took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy, deepcopy
from math import exp, hypot, log, sqrt
from random import Random
from types import MappingProxyType
from typing import Self

from qhas.sweep.forecast import MOST_SECONDS, NOTHING, ON_DEVICE, SIMULATED, Forecast
from qhas.sweep.size import NetworkSize
from qhas.sweep.spec import Cell

_PULL = (0.01, 0.1, 0.4, 0.4)
"""For all cells, a network, a SoC, a variant: the variance among cells of one network over the variance of these."""
_ROUNDS = 5
_ANEW = 1.1
"""Factor by which the learned cells must have grown for corrections to be recomputed.

So one cell among twenty thousand changes none.
"""
_LEAST_SECONDS = 1e-3
_LARGEST = 50.0
"""Largest logarithm of how much longer than expected anything takes."""
_SPREADS = (0.30, 0.50, 0.30, 0.50)
"""How far networks are off if only their size is known, in the logarithm.

For prepare, from `python -m bench prepares`; the others are assumed.
"""
_REST = 0.1
"""How far cells of one network are off. Assumed."""
_ENOUGH = 5
"""Number of networks, or cells, that say more about a spread than the assumption."""
_NO_FORECASTS: Mapping[str, Forecast] = MappingProxyType({})
_UNSIZED: Mapping[str, NetworkSize] = MappingProxyType({})


class Expectations:
    """Forecasts of cells, which improve with every cell that reports what it took. `version` changes when they do.

    `known` is by cell key, and is used unchanged except for parts under a millisecond, which say nothing; `sizes` are
    by network; SoCs that are not `measured` are simulated.
    """

    def __init__(
        self,
        known: Mapping[str, Forecast] = _NO_FORECASTS,
        sizes: Mapping[str, NetworkSize] = _UNSIZED,
        measured: Collection[str] = (),
    ) -> None:
        self.version = 0
        self._known, self._sizes, self._measured = known, sizes, measured
        self._corrections = tuple(_Corrections() for _ in Forecast._fields)
        for key, forecast in known.items():
            self.learn(key, forecast)

    def knows(self, cell: Cell) -> bool:
        """Whether the cell itself has run before."""
        return cell.key in self._known

    def of(self, cell: Cell) -> Forecast:
        """Return the forecast of a cell, in seconds."""
        known = self._known.get(cell.key, NOTHING)
        if cell.model.dlc and min(known[:3]) >= _LEAST_SECONDS:
            return known
        first, labels = self._uncorrected(cell.key), _labels(cell.key)
        parts = zip(known, first, self._corrections, strict=True)
        told = Forecast(
            *(
                took if took >= _LEAST_SECONDS else _longer(typical, by.of(labels))
                for took, typical, by in parts
            )
        )
        return told._replace(convert=0.0) if cell.model.dlc else told

    def learn(self, key: str, took: Forecast) -> None:
        """Learn from what a cell took; parts under a millisecond are ignored."""
        first, labels = self._uncorrected(key), _labels(key)
        for seconds, typical, by in zip(took, first, self._corrections, strict=True):
            if seconds >= _LEAST_SECONDS and by.learn(labels, log(seconds / typical)):
                self.version += 1

    def copy(self) -> Self:
        """Return a copy that learns independently from here on."""
        other = copy(self)
        other._corrections = deepcopy(self._corrections)
        return other

    def drawn(self, cells: Iterable[Cell], chance: Random) -> dict[str, Forecast]:
        """Draw, by cell key, other durations that cells may have: unknown parts are off by as much as others were.

        A network that has not run is off by the same amount in all of its cells, and each cell by an amount of its
        own.
        """
        networks = defaultdict[str, tuple[float, ...]](
            lambda: tuple(chance.gauss(0, 1) for _ in self._corrections)
        )
        return {cell.key: self._drawn(cell, networks[cell.model.name], chance) for cell in cells}

    def _drawn(self, cell: Cell, network: Sequence[float], chance: Random) -> Forecast:
        known, labels = self._known.get(cell.key, NOTHING), _labels(cell.key)
        parts = zip(known, self.of(cell), self._corrections, network, _SPREADS, strict=True)
        return Forecast(
            *(
                seconds
                if took >= _LEAST_SECONDS
                else _longer(seconds, off * by.spread(labels, spread) + chance.gauss(0, by.rest()))
                for took, seconds, by, off, spread in parts
            )
        )

    def _uncorrected(self, key: str) -> Forecast:
        network, soc, _ = key.split("/")
        return (ON_DEVICE if soc in self._measured else SIMULATED).of_size(self._sizes.get(network))


def _longer(seconds: float, by: float) -> float:
    """Lengthen the time by a factor whose logarithm is `by`."""
    return min(seconds * exp(min(by, _LARGEST)), MOST_SECONDS)


Labels = tuple[str, str, str, str]
_NETWORK = 1


def _labels(key: str) -> Labels:
    """Return the labels that a cell shares with others: one for all cells, its network, its SoC, its variant."""
    network, soc, variant = key.split("/")
    return "", network, soc, variant


class _Corrections:
    """Logarithms of how much longer than expected cells take: for all, and for those that share a label."""

    def __init__(self) -> None:
        self._seen: list[Labels] = []
        self._left: list[float] = []
        """What the corrections leave unexplained of each learned cell."""
        self._parts = tuple(defaultdict[str, float](float) for _ in _PULL)
        self._anew = 0.0

    def of(self, labels: Labels) -> float:
        return sum(part.get(label, 0.0) for part, label in zip(self._parts, labels, strict=True))

    def spread(self, labels: Labels, assumed: float) -> float:
        """Return how far networks are off, as a standard deviation; 0 for one that is known."""
        networks = self._parts[_NETWORK]
        if labels[_NETWORK] in networks:
            return 0.0
        return hypot(*networks.values()) / sqrt(len(networks)) if len(networks) >= _ENOUGH else assumed

    def rest(self) -> float:
        """Return how far cells are off individually."""
        return hypot(*self._left) / sqrt(len(self._left)) if len(self._left) >= _ENOUGH else _REST

    def learn(self, labels: Labels, longer: float) -> bool:
        """Add a cell; return whether the corrections have changed."""
        self._seen.append(labels)
        self._left.append(longer - self.of(labels))
        if len(self._seen) < self._anew:
            return False
        self._anew = len(self._seen) * _ANEW
        for _ in range(_ROUNDS):
            for place in range(len(_PULL)):
                self._fit(place)
        return True

    def _fit(self, place: int) -> None:
        """Correct by one kind of label: by the mean of what is unexplained, shrunk towards zero."""
        part, left = self._parts[place], defaultdict[str, list[float]](list)
        for labels, longer in zip(self._seen, self._left, strict=True):
            left[labels[place]].append(longer)
        more = {
            label: (sum(each) + len(each) * part[label]) / (len(each) + _PULL[place]) - part[label]
            for label, each in left.items()
        }
        for label, by in more.items():
            part[label] += by
        self._left = [
            longer - more[labels[place]] for labels, longer in zip(self._seen, self._left, strict=True)
        ]
