"""Times of single inferences from snpe-diagview, and the latency computed from them.

The samples come from a run with profiling off. Only times measured by the runtime itself count: the time of a process
includes its start-up and the loading of the graph, and is never used as a latency.
"""

from __future__ import annotations

import csv
import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from qhas.profile.metrics import Latency


class LatencyInvalid(Exception):
    """No latency can be obtained from the input. The message is one sentence that says why."""


class Series(StrEnum):
    """The figures of one inference, under the names that snpe-diagview gives them."""

    TOTAL = "Total Inference Time"
    """One execute as the application sees it."""
    FORWARD = "Forward Propagate Time"
    """The network alone, without the handling of its inputs and outputs."""
    RPC = "RPC Execute Time"
    """The remote call to the DSP, including the way there and back."""
    ACCELERATOR = "Accelerator Time"
    """The DSP alone."""
    SNPE_ACCELERATOR = "Snpe Accelerator Time"
    """The DSP alone, as SNPE counts it."""


LATENCIES = (Series.TOTAL, Series.FORWARD)
"""The series a latency can be computed from, the better one first. Accelerator times omit part of the user's wait."""

_MICROSECONDS = {
    "us": 1.0,
    "usec": 1.0,
    "µs": 1.0,
    "μs": 1.0,
    "microseconds": 1.0,
    "ms": 1e3,
    "msec": 1e3,
    "milliseconds": 1e3,
    "ns": 1e-3,
    "nsec": 1e-3,
    "nanoseconds": 1e-3,
    "s": 1e6,
    "sec": 1e6,
    "seconds": 1e6,
}
_FIGURE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{0,12})?)[ \t]*([A-Za-zµμ]*)")
_AVERAGE = re.compile(
    # No backtracking: tools print lines of any length.
    rf"^[ \t]*+([A-Za-z][A-Za-z ]{{6,38}}[A-Za-z])[ \t]*+(?:\[[^\]\n]*+\])?+[ \t]*+:[ \t]*+{_FIGURE.pattern}",
    re.MULTILINE,
)
_SERIES = {series.lower(): series for series in Series}


@dataclass(frozen=True)
class Samples:
    """The time of every inference in microseconds, warm-ups included, in file order."""

    series: Mapping[Series, tuple[float, ...]]

    @property
    def chosen(self) -> Series:
        """The series that the latency is computed from."""
        return next(series for series in LATENCIES if series in self.series)

    @property
    def values_us(self) -> tuple[float, ...]:
        """The times of the chosen series."""
        return self.series[self.chosen]


@dataclass(frozen=True)
class Averages:
    """Mean microseconds over all inferences of a run, warm-ups included. Not samples: no latency uses them."""

    series: Mapping[Series, float]

    def __str__(self) -> str:
        averages = ", ".join(f"{series} {mean:g} us" for series, mean in self.series.items())
        return f"This SDK's snpe-diagview gives averages only, warm-ups included: {averages}."


class _Columns(NamedTuple):
    """The columns of a table's message, time and unit; the unit may be part of the time's title, as in `Time (us)`."""

    message: int
    time: int
    unit: int | None
    unit_in_title: str
    width: int


_MESSAGE_TITLES = ("message", "message name", "event", "event name", "name")
_TIME_TITLES = ("time", "duration", "value")
_UNIT_TITLES = ("unit of measurement", "unit of measure", "units", "unit")


def read_samples(csv_text: str, expected: int = 1) -> Samples:
    """Read the samples from a CSV of `snpe-diagview --output`, finding its columns by name in either format version.

    Raises LatencyInvalid if the table has no latency, is cut off or unclear, or has fewer than `expected` inferences.
    """
    times: dict[Series, list[float]] = {}
    for series, time_us in _rows(csv_text):
        times.setdefault(series, []).append(time_us)
    samples = Samples({series: tuple(times[series]) for series in Series if series in times})
    if not any(series in times for series in LATENCIES):
        raise LatencyInvalid(
            f"The table of snpe-diagview has no row {' or '.join(map(repr, map(str, LATENCIES)))}."
        )
    if len(samples.values_us) < expected:
        raise LatencyInvalid(
            f"The table of snpe-diagview has {len(samples.values_us)} times of {expected} inferences."
        )
    return samples


def _rows(csv_text: str) -> Iterator[tuple[Series, float]]:
    """Yield the series and microseconds of every row that has them. A further title row redefines the columns."""
    columns: _Columns | None = None
    try:
        for number, row in enumerate(csv.reader(csv_text.removeprefix("\ufeff").splitlines()), start=1):
            cells = [cell.strip() for cell in row]
            if titles := _titles(cells):
                columns = titles
            elif columns and len(cells) > columns.message and (series := series_of(cells[columns.message])):
                yield from _sample(series, cells, columns, number)
    except csv.Error as error:
        raise LatencyInvalid(f"The table of snpe-diagview is not CSV: {error}.") from error
    if columns is None:
        raise LatencyInvalid("The table of snpe-diagview has no row of titles with a message and a time.")


def _titles(cells: Sequence[str]) -> _Columns | None:
    titles = [" ".join(re.sub(r"[(\[].*", "", cell).lower().replace("_", " ").split()) for cell in cells]

    def column(names: Sequence[str]) -> int | None:
        return next((titles.index(name) for name in names if name in titles), None)

    message, time = column(_MESSAGE_TITLES), column(_TIME_TITLES)
    if message is None or time is None:
        return None
    in_title = re.search(r"[(\[]\s*([A-Za-zµμ]+)", cells[time])
    return _Columns(message, time, column(_UNIT_TITLES), in_title[1] if in_title else "", len(cells))


def series_of(message: str) -> Series | None:
    """Return the series that a message of a table or log belongs to, or None."""
    return _SERIES.get(re.sub(r"\[.*|:$", "", message).strip().lower())


def _sample(
    series: Series, cells: Sequence[str], columns: _Columns, number: int
) -> Iterator[tuple[Series, float]]:
    """Yield the row's sample; none if it is not a time, which is allowed only for accelerator figures (in cycles)."""
    if len(cells) < columns.width:
        raise LatencyInvalid(f"Line {number} of the table of snpe-diagview is cut off.")
    figure = _FIGURE.fullmatch(cells[columns.time])
    unit = cells[columns.unit] if columns.unit is not None else ""
    factor = _MICROSECONDS.get((unit or (figure[2] if figure else "") or columns.unit_in_title).lower())
    if figure and factor and float(figure[1]) > 0:
        yield series, float(figure[1]) * factor
    elif series in LATENCIES:
        value = f"{cells[columns.time]} {unit}".strip()
        raise LatencyInvalid(
            f"Line {number} of the table of snpe-diagview has {value[:60]!r} where a time is expected."
        )


def read_averages(text: str) -> Averages | None:
    """Read the means that snpe-diagview prints, as in `Total Inference Time: 1234 us`; None if it prints none."""
    means = {
        series: float(figure) * factor
        for name, figure, unit in _AVERAGE.findall(text)
        if (series := _SERIES.get(name.lower())) and (factor := _MICROSECONDS.get(unit.lower()))
    }
    return Averages(means) if means else None


def latency(samples: Samples, warmups: int, perf_profile: str, source: str = "SNPEDiag log") -> Latency:
    """Compute the latency from the inferences after the warm-ups. `source` names the file the samples come from.

    The 90th percentile is by nearest rank: the smallest sample that at least 90 % of the samples do not exceed, so it
    is a time that was actually measured. Raises LatencyInvalid if no samples remain after the warm-ups.
    """
    values = list(samples.values_us[warmups:])
    if not values:
        raise LatencyInvalid(
            f"{len(samples.values_us)} inferences were timed; after {warmups} warm-ups none remain to measure."
        )
    return Latency(
        samples_us=values,
        median_us=statistics.median(values),
        p90_us=sorted(values)[math.ceil(0.9 * len(values)) - 1],
        min_us=min(values),
        warmups=warmups,
        perf_profile=perf_profile,
        source=f"{samples.chosen} of {source}",
    )


def spread_percent(latency: Latency) -> float:
    """Return the spread of the samples, from the smallest to the 90th percentile, in percent of the median."""
    return 100 * (latency.p90_us - latency.min_us) / latency.median_us


def csv_of(samples: Samples) -> str:
    """Return a table as `snpe-diagview` would write it, for times that were read without it."""
    rows = [f"{series},{time:g},US" for series, times in samples.series.items() for time in times]
    return "\n".join(["Message,Time,Unit of Measurement", *rows, ""])
