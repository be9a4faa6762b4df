"""What each cell of a sweep is expected to take: by its own last run, else by its size, corrected by what others took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from math import exp, log
from types import MappingProxyType

from qhas.sweep.forecast import SIMULATED, Forecast
from qhas.sweep.size import NetworkSize
from qhas.sweep.spec import Cell

_PULL = (0.01, 0.1, 0.4, 0.4)
"""For all cells, a network, a SoC, a variant: the square of how far cells of one network differ over the square of how far these do."""
_ROUNDS = 5
_ANEW = 1.1
"""Corrections are made anew when so many times as many cells have told: a cell of twenty thousand changes none."""
_LEAST_SECONDS = 1e-3
_UNKNOWN = Forecast(0.0, 0.0)
_NOTHING: Mapping[str, Forecast] = MappingProxyType({})
_UNSIZED: Mapping[str, NetworkSize] = MappingProxyType({})


class Expectations:
    """Forecasts of cells, which get better with every cell that says what it took. `version` changes when they do.

    `known` is by cell key, and stays as it is but for a part that took less than a millisecond, which tells nothing; `sizes`
    are by network; SoCs that are not `measured` are simulated.
    """

    def __init__(
        self,
        known: Mapping[str, Forecast] = _NOTHING,
        sizes: Mapping[str, NetworkSize] = _UNSIZED,
        measured: Collection[str] = (),
    ) -> None:
        self.version = 0
        self._known, self._sizes, self._measured = known, sizes, measured
        self._prepare, self._device = _Corrections(), _Corrections()
        for key, forecast in known.items():
            self.learn(key, prepare=forecast.prepare, device=forecast.device)

    def knows(self, cell: Cell) -> bool:
        """Whether the cell itself has run before."""
        return cell.key in self._known

    def of(self, cell: Cell) -> Forecast:
        """In seconds."""
        known = self._known.get(cell.key, _UNKNOWN)
        if min(known) >= _LEAST_SECONDS:
            return known
        first, labels = self._uncorrected(cell.key), _labels(cell.key)
        parts = ((known.prepare, first.prepare, self._prepare), (known.device, first.device, self._device))
        return Forecast(
            *(took if took >= _LEAST_SECONDS else one * exp(by.of(labels)) for took, one, by in parts)
        )

    def learn(self, key: str, *, prepare: float = 0.0, device: float = 0.0) -> None:
        """What a cell took, in seconds; less than a millisecond tells nothing."""
        first, labels = self._uncorrected(key), _labels(key)
        for took, expected, corrections in (
            (prepare, first.prepare, self._prepare),
            (device, first.device, self._device),
        ):
            if took >= _LEAST_SECONDS and corrections.learn(labels, log(took / expected)):
                self.version += 1

    def _uncorrected(self, key: str) -> Forecast:
        network, soc, _ = key.split("/")
        return (Forecast() if soc in self._measured else SIMULATED).of_size(self._sizes.get(network))


Labels = tuple[str, str, str, str]


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
