"""How long a sweep takes: the minimum, and what to expect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import NamedTuple

from qhas.lab.rehearsal import rehearse
from qhas.runs.keys import network_of, soc_of
from qhas.socs import PROGRAM_OF
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

_DRAWS = 9
"""The shortest and the longest of this many rehearsals enclose eight out of ten."""
_REHEARSED = 1000
"""Maximum number of cells in all rehearsals together: half a second."""
_LONGEST = 86_400.0
"""Maximum seconds of any part: a loop's clock jumps no further at once, so a part said to take a year would need many
jumps."""
_BESIDE_TOOLS = 0.2
"""Core seconds that a cell takes in addition to its tools, for reading, drawing and storing. Measured with 24
simulated cells on two cores."""
_BROUGHT = 0.07
"""Core seconds that each item a cell finds in the store takes to be copied and checked. Measured with twelve such
cells."""


class Expected(NamedTuple):
    """Seconds from start to end, and a range that holds eight times in ten, as far as forecasts are known to be right.

    The range is None if everything is known from earlier runs, or if the sweep is too large for enough rehearsals.
    """

    seconds: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class InStore:
    """Keys of cells by what is in the store: the converted network, the graph, or the run of a simulated cell."""

    made: Collection[str] = ()
    prepared: Collection[str] = ()
    emulated: Collection[str] = ()

    def left_of(self, forecasts: Mapping[str, Forecast], devices: Container[str]) -> dict[str, Forecast]:
        """Return what cells still have to do."""
        return {
            key: forecast._replace(**dict.fromkeys(self.parts_of(key, devices), 0.0))
            for key, forecast in forecasts.items()
        }

    def parts_of(self, key: str, devices: Container[str]) -> list[str]:
        """Return the parts of a forecast that are in the store; `devices` has the SoCs that are not simulated."""
        found = {
            "convert": key in self.made,
            "prepare": key in self.prepared,
            "device": key in self.emulated and soc_of(key) not in devices,
        }
        return [part for part, there in found.items() if there]


def shared_runs(cells: Iterable[Cell], devices: Container[str]) -> set[str]:
    """Return the keys of simulated cells that only need the outputs of an earlier cell, whose program is the same."""
    executed, shared = set[tuple[str, str, str]](), set[str]()
    for cell in cells:
        if cell.model.executes and cell.soc not in devices:
            run = (cell.model.name, PROGRAM_OF.get(cell.soc, cell.soc), cell.variant)
            shared |= {cell.key} if run in executed else set()
            executed.add(run)
    return shared


def expect(
    cells: Sequence[Cell], expected: Expectations, stored: InStore, devices: Mapping[str, int], cores: int
) -> Expected | None:
    """Rehearse the sweep: once if all durations are known, else several times with others that are as likely.

    Not to be called in an event loop. Returns None for no cells, and for more than can be rehearsed in a moment.
    """
    if not 0 < len(cells) <= _REHEARSED:
        return None

    def rehearsed(forecasts: Mapping[str, Forecast]) -> float:
        took = dict[str, Forecast]()
        for key, each in stored.left_of(forecasts, devices).items():
            besides = _BESIDE_TOOLS + _BROUGHT * len(stored.parts_of(key, devices))
            took[key] = Forecast(
                *(min(part, _LONGEST) for part in each._replace(finish=each.finish + besides))
            )
        return rehearse(cells, devices, cores, expected.copy(), took)

    if all(map(expected.knows, cells)):
        return Expected(rehearsed({cell.key: expected.of(cell) for cell in cells}))
    draws = min(_DRAWS, _REHEARSED // len(cells))
    chances = map(Random, range(draws))
    seconds = sorted(rehearsed(expected.drawn(cells, chance)) for chance in chances)
    return Expected(median(seconds), *((seconds[0], seconds[-1]) if draws == _DRAWS else ()))


def least_seconds(forecasts: Mapping[str, Forecast], devices: Mapping[str, int], cores: int) -> float:
    """Return the time that no order of work can beat, as far as forecasts are right.

    That is the longest of: the host's work; the work of a SoC's devices after its shortest prepare and before its
    shortest finish; the longest cell. `devices` is their number by SoC, of those that are not simulated.
    """
    made, by_soc = defaultdict[str, float](float), defaultdict[str, list[Forecast]](list)
    for key, forecast in forecasts.items():
        made[network_of(key)] = max(made[network_of(key)], forecast.convert)
    host = sum(made.values())
    for key, forecast in forecasts.items():
        host += forecast.prepare + forecast.finish
        if (soc := soc_of(key)) in devices:
            by_soc[soc].append(forecast)
        else:
            host += forecast.device  # the simulator computes here
    busy = (
        min(each.prepare for each in cells)
        + sum(each.device for each in cells) / devices[soc]
        + min(each.finish for each in cells)
        for soc, cells in by_soc.items()
    )
    return max(host / cores, *busy, *(each.own for each in forecasts.values()), 0.0)
