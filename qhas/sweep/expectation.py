"""What each cell of a sweep is expected to take: by its own last run, else by its size, corrected by what others took."""

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
"""For all cells, a network, a SoC, a variant: the square of how far cells of one network differ over the square of how far these do."""
_ROUNDS = 5
_ANEW = 1.1
"""Corrections are made anew when so many times as many cells have told: a cell of twenty thousand changes none."""
_LEAST_SECONDS = 1e-3
_LARGEST = 50.0
"""Logarithm of how much longer anything takes than is expected."""
_SPREADS = (0.30, 0.50, 0.30, 0.50)
"""In the logarithm, of networks by their size alone: a prepare by `python -m bench prepares`; the others are assumed."""
_REST = 0.1
"""Of cells of one network. Assumed."""
_ENOUGH = 5
"""Networks, or cells, that tell more of it than what is assumed."""
_NO_FORECASTS: Mapping[str, Forecast] = MappingProxyType({})
_UNSIZED: Mapping[str, NetworkSize] = MappingProxyType({})


class Expectations:
    """Forecasts of cells, which get better with every cell that says what it took. `version` changes when they do.

    `known` is by cell key, and stays as it is but for a part that took less than a millisecond, which tells nothing; `sizes`
    are by network; SoCs that are not `measured` are simulated.
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
        """In seconds."""
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
        """What a cell took; of a part that took less than a millisecond, nothing."""
        first, labels = self._uncorrected(key), _labels(key)
        for seconds, typical, by in zip(took, first, self._corrections, strict=True):
            if seconds >= _LEAST_SECONDS and by.learn(labels, log(seconds / typical)):
                self.version += 1

    def copy(self) -> Self:
        """One that learns by itself from here on."""
        other = copy(self)
        other._corrections = deepcopy(self._corrections)
        return other

    def drawn(self, cells: Iterable[Cell], chance: Random) -> dict[str, Forecast]:
        """By cell key what they may take as well: what is not known lies off by as much as others have.

        A network that has not run lies off in all of its cells alike, and each cell by itself.
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
    """Where `by` is a logarithm."""
    return min(seconds * exp(min(by, _LARGEST)), MOST_SECONDS)


Labels = tuple[str, str, str, str]
_NETWORK = 1


def _labels(key: str) -> Labels:
    """What a cell has in common with others: with all, its network, its SoC, its variant."""
    network, soc, variant = key.split("/")
    return "", network, soc, variant


class _Corrections:
    """Logarithms of how much longer than expected it takes: of all cells, and of those with a label in common."""

    def __init__(self) -> None:
        self._seen: list[Labels] = []
        self._left: list[float] = []
        """What the corrections leave of each cell that has told."""
        self._parts = tuple(defaultdict[str, float](float) for _ in _PULL)
        self._anew = 0.0

    def of(self, labels: Labels) -> float:
        return sum(part.get(label, 0.0) for part, label in zip(self._parts, labels, strict=True))

    def spread(self, labels: Labels, assumed: float) -> float:
        """How far networks lie off, as a standard deviation; nothing for one that is known."""
        networks = self._parts[_NETWORK]
        if labels[_NETWORK] in networks:
            return 0.0
        return hypot(*networks.values()) / sqrt(len(networks)) if len(networks) >= _ENOUGH else assumed

    def rest(self) -> float:
        """How far cells lie off by themselves."""
        return hypot(*self._left) / sqrt(len(self._left)) if len(self._left) >= _ENOUGH else _REST

    def learn(self, labels: Labels, longer: float) -> bool:
        """Whether the corrections are others now."""
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
        """Correct by one kind of label: by the mean of what is left, drawn to none."""
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
