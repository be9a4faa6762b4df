"""The search for the smallest part: guesses from the ops' cycles, then delta debugging, which removes needless ops."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from qhas.network.network import Graph
from qhas.reproducer.parts import Part, windows, without_a_piece

ENOUGH = 0.8
"""Share of the network's change that a part must show."""
SMALL = 5
"""Number of ops that can be read at a glance."""
_GUESSES = ((1, 1), (2, 2), (3, 2), (SMALL, 3))
"""Sizes of the parts that are tried first, all at once, and how many parts of each."""

Measure = Callable[[list[Part]], Mapping[Part, float]]
"""Returns the change in percent that each part shows, without parts that cannot be compiled or run alone."""


@dataclass
class Search:
    """The search in a graph whose time changed by `change_percent`; at most `most_trials` parts are measured."""

    graph: Graph
    gained: Mapping[int, float]
    change_percent: float
    measure: Measure
    most_trials: int
    seen: dict[Part, float | None] = field(default_factory=dict)

    def smallest(self) -> Part | None:
        """Return the smallest part found that shows enough; None if only the whole does or the trials ran out."""
        guesses = [part for size, most in _GUESSES for part in windows(self.graph, self.gained, size, most)]
        part = self._best(guesses)
        size = 2 * SMALL
        while part is None and size < len(self.graph.ops) and self._left():
            part = self._best(windows(self.graph, self.gained, size, 2))
            size *= 2
        whole = frozenset(range(len(self.graph.ops)))
        reduced = self._reduced(part or whole)
        return None if reduced == whole else reduced

    def share(self, part: Part) -> float:
        """Return the share of the network's change that a measured part shows: 1 is all, below 0 the opposite."""
        return (self.seen.get(part) or 0.0) / self.change_percent

    def _reduced(self, part: Part) -> Part:
        length = 1 if len(part) <= SMALL else len(part) // 2
        while self._left() and len(part) > 1:
            if smaller := self._best(without_a_piece(part, length)):
                part = smaller
                length = min(length, max(1, len(part) // 2))
            elif length == 1:
                break
            else:
                length //= 2
        return part

    def _best(self, parts: Iterable[Part]) -> Part | None:
        """Return the smallest part that shows enough; among equally small ones, the one that shows most."""
        wanted = list(dict.fromkeys(parts))
        new = [part for part in wanted if part not in self.seen][: self._left()]
        if new:
            measured = self.measure(new)
            self.seen |= {part: measured.get(part) for part in new}
        enough = [part for part in wanted if self.share(part) >= ENOUGH]
        return min(enough, key=lambda part: (len(part), -self.share(part)), default=None)

    def _left(self) -> int:
        return max(0, self.most_trials - len(self.seen))
