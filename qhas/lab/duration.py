"""How long a sweep takes: the least, and what is to be expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import NamedTuple

from qhas.lab.rehearsal import rehearse
from qhas.runs.keys import network_of, soc_of
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

_DRAWS = 9
"""Of so many, the least and the most hold eight of ten."""
_REHEARSED = 1000
"""Cells, in all rehearsals together: half a second."""
_LONGEST = 86_400.0
"""Seconds of any part: a loop's clock jumps no further at once, and who says that a part takes a year would be waited for."""
_BESIDE_TOOLS = 0.2
"""Seconds of a core that a cell takes besides its tools: what is read, drawn and stored. Of 24 simulated cells on two cores."""
_BROUGHT = 0.07
"""Seconds of a core that whatever a cell finds in the store takes on its way: copied, looked through. Of twelve such cells."""


class Expected(NamedTuple):
    """Seconds from start to end, and between which of them, eight times in ten, as far as forecasts are known to be right.

    The ends are None where all is known by an earlier run, or nobody can say.
    """

    seconds: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class InStore:
    """Keys of cells that find their converted network there, their graph, and, if they are simulated, their run."""

    made: Collection[str] = ()
    prepared: Collection[str] = ()
    emulated: Collection[str] = ()

    def left_of(self, forecasts: Mapping[str, Forecast], devices: Container[str]) -> dict[str, Forecast]:
        """What cells still take."""
        return {
            key: forecast._replace(**dict.fromkeys(self.parts_of(key, devices), 0.0))
            for key, forecast in forecasts.items()
        }

    def parts_of(self, key: str, devices: Container[str]) -> list[str]:
        """What of a forecast is there; `devices` has the SoCs that are not simulated."""
        found = {
            "convert": key in self.made,
            "prepare": key in self.prepared,
            "device": key in self.emulated and soc_of(key) not in devices,
        }
        return [part for part, there in found.items() if there]


def expect(
    cells: Sequence[Cell], expected: Expectations, stored: InStore, devices: Mapping[str, int], cores: int
) -> Expected | None:
    """Rehearse the sweep: once if all is known, else several times with other durations that are as likely.

    Not in an event loop. None of more cells than a moment is enough for.
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
    """What no order of work can beat, as far as forecasts are right: what the host has to do, what the devices of a SoC have
    to do behind its shortest prepare, or the longest cell. `devices` is their number by SoC, of those that are not simulated.
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
