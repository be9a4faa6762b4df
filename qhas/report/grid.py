"""The results of a sweep over variants: the best one per network and SoC, and what each option does and costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from qhas.profile.figures import DRAM, HEADLINE, PEAK_VTCM
from qhas.report.links import cell_page
from qhas.runs.record import CellRecord
from qhas.sweep.effects import One, front, main_effects
from qhas.sweep.plan import variant_grid
from qhas.sweep.spec import Variants
from qhas.units import signed_percent, words

_NOTHING = 0.05
"""Percent below which a difference is not a change."""
_TRADED = (DRAM, PEAK_VTCM)
"""Figures that a faster variant may make worse."""


@dataclass(frozen=True)
class Best:
    """The fastest variant of a network on a SoC; `slowest` says how much longer the slowest takes."""

    network: str
    soc: str
    variant: str
    figure: str
    slowest: str
    href: str


@dataclass(frozen=True)
class Effect:
    """A value of an option against the first one, all else equal: the geometric mean over `pairs` pairs of cells."""

    option: str
    value: str
    change: str
    faster: bool
    pairs: int


@dataclass(frozen=True)
class Choice:
    """A variant that no other beats in time, DRAM and VTCM at once."""

    network: str
    soc: str
    variant: str
    figures: tuple[str, ...]
    href: str


@dataclass(frozen=True)
class Grid:
    """The tables of a sweep over variants."""

    best: list[Best]
    effects: list[Effect]
    front: list[Choice]
    """The choices for each network and SoC that has more than one."""


class _Tried(NamedTuple):
    record: CellRecord
    time: float


def grid(variants: Variants, records: Sequence[CellRecord]) -> Grid | None:
    """Build the tables from good cells of one origin; None if there is nothing to choose from."""
    options = dict(variant_grid(variants))
    tried = [
        _Tried(record, time)
        for record in records
        if record.good and (time := HEADLINE[record.origin].read(record)) and record.cell.variant in options
    ]
    if len({each.record.cell.variant for each in tried}) < 2:
        return None
    groups: defaultdict[tuple[str, str], list[_Tried]] = defaultdict(list)
    for each in tried:
        groups[each.record.cell.model.name, each.record.cell.soc].append(each)
    return Grid(
        [_best(group) for group in groups.values()],
        list(_effects(tried, options)),
        [choice for group in groups.values() for choice in _front(group)],
    )


def _best(group: Sequence[_Tried]) -> Best:
    (record, fastest), slowest = min(group, key=lambda timed: timed.time), max(timed.time for timed in group)
    return Best(
        record.cell.model.name,
        record.cell.soc,
        record.cell.variant,
        HEADLINE[record.origin].text(fastest),
        signed_percent(100 * (slowest / fastest - 1)) if slowest > fastest else "the same",
        cell_page(record.cell),
    )


def _front(group: Sequence[_Tried]) -> list[Choice]:
    comparable = [each for each in group if all(figure.read(each.record) is not None for figure in _TRADED)]
    costs = [(each.time, *(figure.read(each.record) or 0.0 for figure in _TRADED)) for each in comparable]
    chosen = [comparable[number].record for number in front(costs)]
    return [_choice(record) for record in chosen] if len(chosen) > 1 else []


def _choice(record: CellRecord) -> Choice:
    figures = (HEADLINE[record.origin], *_TRADED)
    texts = tuple(figure.text(figure.read(record) or 0) for figure in figures)
    return Choice(record.cell.model.name, record.cell.soc, record.cell.variant, texts, cell_page(record.cell))


def _effects(tried: Sequence[_Tried], options: Mapping[str, Mapping[str, Any]]) -> Iterator[Effect]:
    ones = [
        One(options[each.record.cell.variant], each.time, (each.record.cell.model.name, each.record.cell.soc))
        for each in tried
    ]
    for effect in main_effects(sorted(ones, key=lambda one: list(options.values()).index(dict(one.options)))):
        change = signed_percent(effect.percent) if abs(effect.percent) >= _NOTHING else "no change"
        yield Effect(
            words(effect.option),
            f"{effect.base} → {effect.value}",
            change,
            effect.percent < -_NOTHING,
            effect.pairs,
        )
