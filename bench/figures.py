"""The figures of the table from single measurements. Differences are taken within a round, then summarised.

A machine that is loaded in one round and idle in the next shifts all contenders of a round alike; this cancels out in
a difference within a round, but not in a difference between medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

_MS = 1000.0


class Contender(StrEnum):
    """Ways to get from the same cells to their traces, in the order in which a round runs them."""

    PLAIN = "plain"
    """A script that calls the tools."""
    LIBRARY = "library"
    """The steps of qhas, without Prefect."""
    FLOW = "flow"
    """The sweep flow on a Prefect server."""


@dataclass(frozen=True)
class Measured:
    """One contender's round. Times are in seconds for the whole round; memory is in bytes.

    `cpu` is that of the orchestrating process, `children_cpu` of the tools, `server_cpu` of the Prefect server until it
    has settled. `tool_seconds` is the sum of the recorded durations of tools, `start_up` the imports before the round,
    and `outside_cells` the wall time before the first cell and after the last.
    """

    cells: int
    tool_seconds: float
    server_cpu: float
    wall: float
    cpu: float
    children_cpu: float
    peak_memory: int
    start_up: float
    outside_cells: float


Round = Mapping[Contender, Measured]


@dataclass(frozen=True)
class Spread:
    """Minimum, median and maximum over the rounds."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of the values. Raises ValueError if there are none."""
        ranked = sorted(values)
        if not ranked:
            raise ValueError("a spread needs at least one round")
        return cls(ranked[0], statistics.median(ranked), ranked[-1])


@dataclass(frozen=True)
class Figures:
    """A contender's figures over the rounds. Times are milliseconds per cell unless stated otherwise."""

    wall: Spread
    overhead: Spread
    """Wall time beyond the plain script's in the same round; zero for the plain script itself."""
    overhead_in_cells: Spread
    """The same without the time before the first cell and after the last, which occurs once in a sweep of any size."""
    ratio: Spread
    """Wall time over the plain script's in the same round."""
    beside_tools: Spread
    """Core time without a running tool: wall time multiplied by parallel tools, less the tools' own time."""
    cpu: Spread
    children_cpu: Spread
    server_cpu: Spread
    tools: Spread
    outside_cells_seconds: Spread
    """Seconds per sweep."""
    start_up_seconds: Spread
    peak_memory: Spread
    """Bytes."""


def figures(rounds: Sequence[Round], contender: Contender, at_once: int) -> Figures:
    """Summarise a contender's rounds; every round also contains the plain script's."""
    measured = [round_[contender] for round_ in rounds]
    pairs = [(round_[contender].wall / round_[contender].cells, _plain_wall(round_)) for round_ in rounds]

    def a_cell(value: Callable[[Measured], float]) -> Spread:
        return Spread.of(value(used) / used.cells * _MS for used in measured)

    return Figures(
        wall=a_cell(lambda used: used.wall),
        overhead=Spread.of((wall - plain) * _MS for wall, plain in pairs),
        overhead_in_cells=Spread.of(
            (wall - used.outside_cells / used.cells - plain) * _MS
            for used, (wall, plain) in zip(measured, pairs, strict=True)
        ),
        ratio=Spread.of(wall / plain for wall, plain in pairs),
        beside_tools=a_cell(lambda used: used.wall * at_once - used.tool_seconds),
        cpu=a_cell(lambda used: used.cpu),
        children_cpu=a_cell(lambda used: used.children_cpu),
        server_cpu=a_cell(lambda used: used.server_cpu),
        tools=a_cell(lambda used: used.tool_seconds),
        outside_cells_seconds=Spread.of(used.outside_cells for used in measured),
        start_up_seconds=Spread.of(used.start_up for used in measured),
        peak_memory=Spread.of(used.peak_memory for used in measured),
    )


def _plain_wall(round_: Round) -> float:
    plain = round_[Contender.PLAIN]
    return plain.wall / plain.cells
