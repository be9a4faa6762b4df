"""Accuracy against time: a network's variants on a SoC that no other beats in both, and the fastest good enough."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from qhas.profile.figure import Figure
from qhas.profile.figures import COSINE, HEADLINE, SQNR
from qhas.profile.origin import Origin
from qhas.runs.record import CellRecord
from qhas.sweep.effects import pareto_front

LEAST_COSINE = 0.99
"""The bound if no budget says how close the outputs must be."""
_OF_ORIGIN = {Origin.DEVICE: "measured", Origin.SIMULATOR: "simulated"}
_AXIS = "quantize-"


class Point(NamedTuple):
    """A cell with its time in µs and its accuracy."""

    record: CellRecord
    time_us: float
    cosine: float
    sqnr_db: float

    @property
    def name(self) -> str:
        """The variant's short name: w8a16."""
        return self.record.cell.variant.removeprefix(_AXIS)

    @property
    def text(self) -> str:
        """As in `w8a8 (9.9 µs, 22.5 dB)`."""
        time = HEADLINE[self.record.origin].text(self.time_us)
        return f"{self.name} ({time}, {SQNR.text(self.sqnr_db)})"


class Bound(NamedTuple):
    """The accuracy that is enough, and who sets it."""

    figure: Figure
    at_least: float
    of_budget: bool

    def kept_by(self, point: Point) -> bool:
        """Whether a cell is accurate enough."""
        return (self.figure.read(point.record) or 0.0) >= self.at_least

    @property
    def text(self) -> str:
        """As in `a cosine of at least 0.99, the default`."""
        unit = " dB" if self.figure is SQNR else ""
        named = f"{self.figure.words_of(Origin.DEVICE)} of at least {self.at_least:g}{unit}"
        return f"{named}, {'its budget' if self.of_budget else 'the default'}"


class Front(NamedTuple):
    """The variants of a network on a SoC, fastest first."""

    network: str
    soc: str
    origin: Origin
    points: list[Point]
    bounds: list[Bound]

    @property
    def best(self) -> list[Point]:
        """The variants that no other beats in both time and accuracy."""
        return [self.points[number] for number in self._pareto_front]

    @property
    def beaten(self) -> list[Point]:
        """The variants that another beats."""
        return [point for number, point in enumerate(self.points) if number not in self._pareto_front]

    @property
    def _pareto_front(self) -> list[int]:
        return pareto_front([(point.time_us, -point.sqnr_db) for point in self.points])

    @property
    def fastest(self) -> Point | None:
        """The fastest variant that is accurate enough; None if none is."""
        return next((point for point in self.points if all(b.kept_by(point) for b in self.bounds)), None)

    @property
    def sentences(self) -> list[str]:
        """Sentences on the fastest variant within the bound, the front, and the variants behind it."""
        return list(self._sentences())

    def _sentences(self) -> Iterator[str]:
        place = f"{self.network} on {self.soc}"
        bound = " and ".join(each.text for each in self.bounds)
        if chosen := self.fastest:
            yield f"{place}: {chosen.text} is the fastest with {bound}; {_OF_ORIGIN[self.origin]}."
        else:
            nearest = max(self.points, key=lambda point: point.sqnr_db)
            yield f"{place}: no variant has {bound}; {nearest.text} comes nearest, {_OF_ORIGIN[self.origin]}."
        yield f"Accuracy against time: {', '.join(point.text for point in self.best)}."
        if beaten := ", ".join(point.text for point in self.beaten):
            yield f"Beaten, as another is no slower and no less accurate: {beaten}."

    def document(self) -> dict[str, Any]:
        """Return the front for scripts."""
        return {
            "network": self.network,
            "soc": self.soc,
            "origin": self.origin,
            "bounds": [{"figure": each.figure.name, "at_least": each.at_least} for each in self.bounds],
            "bounds_of_budget": all(each.of_budget for each in self.bounds),
            "fastest": self.fastest.record.cell.key if self.fastest else None,
            "front": [point.record.cell.key for point in self.best],
            "beaten": [point.record.cell.key for point in self.beaten],
            "sentences": self.sentences,
        }


def fronts(records: Iterable[CellRecord]) -> list[Front]:
    """Return a front for each network, SoC and origin whose cells are not all equally accurate.

    They are in the order of the records.
    """
    groups: dict[tuple[str, str, Origin], list[Point]] = defaultdict(list)
    for record in records:
        time, cosine, sqnr = (each.read(record) for each in (HEADLINE[record.origin], COSINE, SQNR))
        if record.good and time is not None and cosine is not None and sqnr is not None:
            place = (record.cell.model.name, record.cell.soc, record.origin)
            groups[place].append(Point(record, time, cosine, sqnr))
    return [
        Front(*place, sorted(points, key=lambda point: (point.time_us, -point.sqnr_db)), _bounds(points))
        for place, points in groups.items()
        if len({point.sqnr_db for point in points}) > 1
    ]


def _bounds(points: list[Point]) -> list[Bound]:
    """Return the bounds that the budget sets, or the default."""
    limits = points[0].record.cell.budget.limits
    bounds = [
        Bound(figure, limit.at_least, True)
        for figure in (COSINE, SQNR)
        if (limit := limits.get(figure.budget)) and limit.at_least is not None
    ]
    return bounds or [Bound(COSINE, LEAST_COSINE, False)]
