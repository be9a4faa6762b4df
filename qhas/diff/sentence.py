"""The sentence that sums up a comparison: how much, where and why, the largest part first.

+132 µs (+59 %) on sa8255: data type QUInt8 → Float16 in 30 of 35 ops; 24 Conv2d became ElementWiseNeuron (+205 µs);
DRAM reads 1.98 MB → 3.32 MB (+67 %).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from qhas.diff.model import NEVER_DECIDE, Circumstance, Contribution, Figure, Outcome, Side, Source, Unit
from qhas.profile.figures import CYCLES, FIGURES, GRAPH, LATENCY, TIME, WARM
from qhas.profile.origin import Origin
from qhas.units import count, signed, signed_percent, signed_time

_CARRIERS = 3
_ENOUGH = 0.8
"""Share of the difference at which no further contribution is named."""
_WORTH_TELLING = 0.05
"""Share of the difference below which a contribution is not named."""
_SHOWN_US = 0.05
"""A shorter time would be shown as zero."""
_CAUSES = 2


def sentence(
    time: Figure,
    verdict: Outcome,
    sides: tuple[Side, Side],
    circumstances: Sequence[Circumstance],
    contributions: Sequence[Contribution],
    figures: Mapping[str, Figure],
) -> str:
    """Return the sentence shown to users; names of ops in it are data, not escaped."""
    first = _first(figures, sides[1].origin)
    judged = list(_judged(contributions, first))
    change = sum(part.us for part in judged)
    each = list(_causes(circumstances))
    causes = " and ".join(each)
    parts = [
        causes,
        ", ".join(_carriers(judged, change, each, either=verdict is Outcome.SAME)),
        ", ".join(_figures(figures, change, causes, sides[1].origin)),
    ]
    details = "; ".join(part for part in parts if part)
    head = _head(time, verdict, _where(sides))
    if time.name in (LATENCY.name, WARM.name):
        details = f"{_FIRST[first.name]} {_change(first)}" + (f": {details}" if details else "")
    if first.name == GRAPH.name and (start_up := _start_up(contributions, figures[TIME.name])):
        details = "; ".join(filter(None, (details, start_up)))
    return f"{head}: {details}." if details else f"{head}."


_FIRST = {
    TIME.name: "first inference",
    GRAPH.name: "graph of the first inference",
    CYCLES.name: "first inference",
}


def _first(figures: Mapping[str, Figure], origin: Origin) -> Figure:
    """Return the figure for the time of the first inference, without what precedes the graph."""
    if origin is Origin.SIMULATOR:
        return figures[TIME.name]
    return figures[GRAPH.name] if figures[GRAPH.name].change is not None else figures[CYCLES.name]


def _judged(contributions: Iterable[Contribution], first: Figure) -> Iterator[Contribution]:
    """Yield the parts of that figure; if it counts cycles, only those in cycles, as start-up is not separate."""
    for part in contributions:
        if first.name == TIME.name or (
            bool(part.cycles) if first.name == CYCLES.name else part.part not in NEVER_DECIDE
        ):
            yield part


def _start_up(contributions: Iterable[Contribution], time: Figure) -> str:
    us = sum(part.us for part in contributions if part.part in NEVER_DECIDE)
    worth = abs(us) >= _WORTH_TELLING * (time.before or 0.0)
    return f"start-up {signed_time(us)}, which is not judged" if us and worth else ""


def _head(time: Figure, verdict: Outcome, where: str) -> str:
    change = _change(time)
    if name := {LATENCY.name: "Latency", WARM.name: "Warm graph time"}.get(time.name):
        return f"{name} {change}{where}"
    if verdict is not Outcome.SAME:
        return f"{change}{where}"
    return f"Same time{where}, {change}" if time.change else f"The same time{where}"


def _change(figure: Figure) -> str:
    percent = f" ({signed_percent(figure.percent)})" if figure.percent is not None else ""
    change = figure.change or 0.0
    amount = f"{signed(change, count)} cycles" if figure.unit is Unit.CYCLES else signed_time(change)
    return f"{amount}{percent}"


def _where(sides: tuple[Side, Side]) -> str:
    """Name the SoCs, as far as they are known."""
    names = list(dict.fromkeys(side.soc for side in sides if side.soc))
    return f" on {' → '.join(names)}" if names else ""


def _causes(circumstances: Iterable[Circumstance]) -> Iterator[str]:
    """Yield the first cause and any others changed by hand: those that were merely observed follow from it."""
    explain = [circumstance for circumstance in circumstances if circumstance.explains]
    named = explain[:1] + [
        circumstance for circumstance in explain[1:] if circumstance.source is Source.RECORD
    ]
    yield from (circumstance.sentence for circumstance in named[:_CAUSES])
    if len(named) > _CAUSES:
        yield "more"


def _carriers(
    contributions: Sequence[Contribution], change: float, causes: Sequence[str], *, either: bool
) -> Iterator[str]:
    """Yield the parts that cause most of the difference: those in its direction first, unless `either`."""
    named_us = 0.0
    ranked = sorted(contributions, key=lambda part: (not either and part.us * change < 0, -abs(part.us)))
    whole = [cause.removeprefix("network: ") for cause in causes]
    for place, part in enumerate(ranked[:_CARRIERS]):
        if (
            not change
            or abs(part.us) < max(_WORTH_TELLING * abs(change), _SHOWN_US)
            or (not either and named_us / change >= _ENOUGH)
        ):
            return
        named_us += part.us
        named = "that alone" if place == 0 and whole == [part.name] else part.name
        yield f"{named} ({signed_time(part.us)})"


def _figures(figures: Mapping[str, Figure], change: float, causes: str, origin: Origin) -> Iterator[str]:
    """Yield figures that moved with the time, or of which less is not better, unless a cause names them already."""
    for row in FIGURES:
        if row.telling is None:
            continue
        figure, words = figures[row.name], row.words_of(origin)
        moved, sides = figure.change or 0.0, (figure.before or 0.0, figure.after or 0.0)
        if words in causes or abs(moved) < max(row.telling * min(sides), row.telling_at_least):
            continue
        old, new = map(row.text, sides)
        as_time = moved * change > 0 if row.less_is_better else True
        if old != new and as_time:
            percent = f" ({signed_percent(figure.percent)})" if figure.percent is not None else ""
            yield f"{words} {old} → {new}{percent}"
