"""Which cell of a SoC comes next. A cell passes through two kinds of machine in turn: this host, then a device.

The order follows Johnson's rule for such work: first the cells that take less time here than there, so that devices
have work early and then more of it than they can do; then the others, longest device time first, so that little is
left for devices when this host is done. With one machine of each kind this is exact. Here times are weighted by the
number of machines. And since devices of a kind should also finish together, the first group is taken by longest
device time among the cells whose prepare will be done before a device runs idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import NOTHING, Forecast
from qhas.sweep.spec import Cell

_SOONER = 0.5
"""A cell counts as sooner done here if its time here is below this fraction of its time there: a forecast may be
wrong, and short cells are valuable at the end."""


class Queue:
    """The cells of a SoC that have not started, and what is expected of them.

    `devices` is infinite for a simulated SoC: the work of a device is then done on this host.
    """

    def __init__(self, devices: float, cells: Iterable[Cell], waits: Callable[[Cell], bool]) -> None:
        """Create a queue. A cell that `waits` for another cell's work is taken only if all remaining ones do."""
        self.devices = devices
        self._waits = waits
        self._left = {cell.key: (NOTHING, cell) for cell in cells}
        self._feeding: list[str] = []
        self._in_order: list[str] = []
        self._by_length: list[str] = []
        """In this list and the two above, the first cell to take is last."""
        self.here = self.there = 0.0
        """Seconds that the cells need on this host, and on the devices."""

    def __len__(self) -> int:
        return len(self._left)

    @property
    def waits(self) -> bool:
        """Whether all its cells wait."""
        return all(self._waits(cell) for _, cell in self._left.values())

    def expect(self, expected: Expectations) -> None:
        """Update the forecasts of the cells; they then have to be sorted."""
        self._left = {key: (expected.of(cell), cell) for key, (_, cell) in self._left.items()}
        self.here, self.there = sum(map(self._here, self._left)), sum(map(self._there, self._left))

    def sort(self, cores: float) -> None:
        """Sort the cells for a host with `cores` cores for them. Equal cells stay in the order given."""
        scarce = self.devices / max(cores, 1e-9)
        backwards = list(self._left)[::-1]
        feeding = {key for key in backwards if self._here(key) * scarce < _SOONER * self._there(key)}
        self._in_order = sorted(backwards, key=self._there if self.there else self._here)
        self._feeding = [key for key in self._in_order if key in feeding]
        self._by_length = sorted(backwards, key=self._length)

    def longest(self) -> float:
        """Return the seconds of the cell that takes longest."""
        return self._length(self._first(self._by_length))

    def take_longest(self) -> tuple[Forecast, Cell]:
        """Take the longest cell. There must be one."""
        return self._take(self._first(self._by_length))

    def take_next(self, slack: float) -> tuple[Forecast, Cell]:
        """Take the next cell in order, given that devices have work for `slack` seconds. There must be a cell."""
        self._feeding = [key for key in self._feeding if key in self._left]
        feeding = [key for key in reversed(self._feeding) if not self._waits(self._left[key][1])]
        if not feeding:
            return self._take(self._first(self._in_order))
        in_time = (key for key in feeding if self._here(key) <= slack)
        return self._take(next(in_time, None) or min(feeding, key=self._here))

    def _here(self, key: str) -> float:
        return self._length(key) if self.devices == inf else self._left[key][0].prepare

    def _there(self, key: str) -> float:
        return 0.0 if self.devices == inf else self._left[key][0].device

    def _length(self, key: str) -> float:
        return self._left[key][0].own

    def _first(self, keys: list[str]) -> str:
        while keys[-1] not in self._left:
            keys.pop()
        left = (key for key in reversed(keys) if key in self._left)
        return next((key for key in left if not self._waits(self._left[key][1])), keys[-1])

    def _take(self, key: str) -> tuple[Forecast, Cell]:
        self.here -= self._here(key)
        self.there -= self._there(key)
        return self._left.pop(key)
