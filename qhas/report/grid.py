"""What a sweep over variants was run for: the best variant of each network on each SoC, and what each option does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean
from typing import Any

from qhas.profile.figures import HEADLINE
from qhas.report.links import cell_page
from qhas.runs.record import CellRecord
from qhas.sweep.plan import variant_grid
from qhas.sweep.spec import Variants
from qhas.units import signed_percent, words


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
    """A value of an option against the first one, all else equal: the geometric mean over so many pairs of cells."""

    option: str
    value: str
    change: str
    faster: bool
    pairs: int


@dataclass(frozen=True)
class Grid:
    """Both tables."""

    best: list[Best]
    effects: list[Effect]


def grid(variants: Variants, records: Sequence[CellRecord]) -> Grid | None:
    """Of good cells of one origin; None where there is nothing to choose from."""
    options = dict(variant_grid(variants))
    times = {
        (record.cell.model.name, record.cell.soc, record.cell.variant): (record, time)
        for record in records
        if record.good and (time := HEADLINE[record.origin].read(record)) and record.cell.variant in options
    }
    if len({variant for _, _, variant in times}) < 2:
        return None
    return Grid(list(_best(times)), list(_effects(options, {key: time for key, (_, time) in times.items()})))


_Key = tuple[str, str, str]


def _best(times: Mapping[_Key, tuple[CellRecord, float]]) -> Iterator[Best]:
    groups: defaultdict[tuple[str, str], list[tuple[CellRecord, float]]] = defaultdict(list)
    for (network, soc, _), one in times.items():
        groups[network, soc].append(one)
    for (network, soc), found in groups.items():
        (record, fastest), slowest = min(found, key=lambda one: one[1]), max(time for _, time in found)
        yield Best(
            network,
            soc,
            record.cell.variant,
            HEADLINE[record.origin].text(fastest),
            signed_percent(100 * (slowest / fastest - 1)) if slowest > fastest else "the same",
            cell_page(record.cell),
        )


def _effects(options: Mapping[str, Mapping[str, Any]], times: Mapping[_Key, float]) -> Iterator[Effect]:
    by_options = {_frozen(chosen): variant for variant, chosen in options.items()}
    for axis in next(iter(options.values())):
        values = list(dict.fromkeys(chosen[axis] for chosen in options.values()))
        for value in values[1:]:
            ratios = [
                time / first
                for (network, soc, variant), time in times.items()
                if options[variant][axis] == value
                and (other := by_options.get(_frozen({**options[variant], axis: values[0]})))
                and (first := times.get((network, soc, other)))
            ]
            if ratios:
                mean = 100 * (exp(fmean(map(log, ratios))) - 1)
                change = signed_percent(mean) if abs(mean) >= 0.05 else "no change"
                yield Effect(words(axis), f"{values[0]} → {value}", change, mean < -0.05, len(ratios))


def _frozen(chosen: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset(chosen.items())
