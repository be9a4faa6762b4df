"""The plots of a report, in plotly's format.

Colours and fonts are the page's: its script adds them, also in dark mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qhas.diff.model import CellDiff
from qhas.profile.metrics import Latency
from qhas.runs.record import CellRecord, Origin
from qhas.units import signed

_PARTS = 9
"""The number of contributions that have a step of their own in a waterfall."""
_LOGARITHMIC = 20
"""The ratio of the longest to the shortest time above which the short ones are indistinguishable on a linear axis."""


@dataclass(frozen=True)
class Plot:
    """A plot with its title. `id` is the element that it is drawn in."""

    id: str
    title: str
    data: list[dict[str, Any]]
    layout: dict[str, Any]


def time_by_network(records: Sequence[CellRecord], origin: Origin) -> Plot | None:
    """Plot a dot per cell in microseconds, with a line per network and a colour per SoC; None without good cells.

    Only latencies may be quoted: if any cell has them, only such cells are shown, by their median latency with a line
    from the fastest inference to p90. Otherwise, and for simulated cells, the time is that of the first inference.
    """
    measured = [record for record in records if record.latency and record.good]
    shown = measured or [record for record in records if record.metrics and record.good]
    if not shown:
        return None
    times = [_time(record, bool(measured)) for record in shown]
    networks = list(dict.fromkeys(record.cell.model.name for record in shown))
    logarithmic = min(times) > 0 and max(times) > _LOGARITHMIC * min(times)
    series = _series(shown)
    return Plot(
        f"{origin}-times",
        _time_title(origin, bool(measured)) + (", logarithmic" if logarithmic else ""),
        [
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [_time(record, bool(measured)) for record in group],
                "y": [networks.index(record.cell.model.name) + aside for record in group],
                "text": [record.cell.model.name for record in group],
                "marker": {"size": 10},
                **({"error_x": _range(group)} if measured else {}),
                "hovertemplate": "%{text}: %{x:,} µs",
            }
            for (name, group), aside in zip(series.items(), _asides(len(series)), strict=True)
        ],
        {
            "height": 110 + 34 * len(networks),
            "xaxis": {"type": "log", "dtick": "D2"} if logarithmic else {"rangemode": "tozero"},
            "yaxis": {
                "tickvals": list(range(len(networks))),
                "ticktext": networks,
                "range": [len(networks) - 0.5, -0.5],
                "zeroline": False,
            },
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        },
    )


def _asides(count: int) -> list[float]:
    """Return how far the dots of each series are offset from their network's line, so that equal times stay visible."""
    return [round(0.5 * (at + 0.5) / count - 0.25, 3) for at in range(count)]


def waterfall(diff: CellDiff) -> Plot | None:
    """Plot how the time before becomes the time after, with a step per part, the smallest parts combined.

    The axis shows the range in which something changes, which seldom begins at 0.
    """
    # Not the latency, even if there is one: it is not a sum of cycles.
    qhas = diff.figure("time_us") or diff.time
    if not diff.contributions or qhas.before is None or qhas.after is None:
        return None
    first, rest = diff.contributions[:_PARTS], diff.contributions[_PARTS:]
    steps = [(part.name, part.us) for part in first]
    if rest:
        steps.append(
            (f"{len(rest)} smaller part{'s' if len(rest) > 1 else ''}", sum(part.us for part in rest))
        )
    names = ["before", *(name for name, _ in steps), "after"]
    changes = [qhas.before, *(us for _, us in steps), qhas.after]
    return Plot(
        "waterfall",
        f"QHAS time before and after, and what each part adds, µs ({diff.after.origin})",
        [
            {
                "type": "waterfall",
                "orientation": "h",
                "measure": ["absolute", *("relative" for _ in steps), "total"],
                "y": _distinct(names),
                "x": changes,
                "text": [
                    _signed(us) if 0 < at < len(names) - 1 else f"{us:,.0f}" for at, us in enumerate(changes)
                ],
                "textposition": "auto",
                "hovertemplate": "%{y}: %{text} µs<extra></extra>",
            }
        ],
        {
            "height": 110 + 30 * len(names),
            "showlegend": False,
            "xaxis": {
                "rangemode": "normal",
                "range": _window(qhas.before, [us for _, us in steps], qhas.after),
            },
            "yaxis": {"type": "category", "autorange": "reversed"},
        },
    )


def samples(latency: Latency, origin: Origin) -> Plot:
    """Plot every inference after the warm-ups in order: drift, a second mode and single outliers show here."""
    numbers = [1, len(latency.samples_us)]
    lines = (("median", latency.median_us), ("p90", latency.p90_us), ("fastest", latency.min_us))
    return Plot(
        "samples",
        f"Latency of each of {len(latency.samples_us)} inferences, µs ({origin})",
        [
            {
                "type": "scatter",
                "mode": "markers",
                "name": "inference",
                "x": list(range(1, len(latency.samples_us) + 1)),
                "y": [round(sample, 1) for sample in latency.samples_us],
                "marker": {"size": 6},
                "hovertemplate": "inference %{x}: %{y:,} µs<extra></extra>",
            },
            *(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": name,
                    "x": numbers,
                    "y": [value, value],
                    "line": {"dash": dash, "width": 1.5},
                    "hovertemplate": name + ": %{y:,} µs<extra></extra>",
                }
                for (name, value), dash in zip(lines, ("solid", "dash", "dot"), strict=True)
            ),
        ],
        {"height": 280, "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}},
    )


def _window(before: float, changes: Sequence[float], after: float) -> list[float]:
    """Return the part of the axis in which something changes: a difference of 3 % must be visible beside the total."""
    levels = [before]
    for change in changes:
        levels.append(levels[-1] + change)
    low, high = min(*levels, after), max(*levels, after)
    margin = (high - low) * 0.25 or high * 0.05 or 1
    return [max(0.0, low - margin), high + margin]


def _distinct(names: Sequence[str]) -> list[str]:
    """Make the names unique: categories of the same name would be drawn as one step."""
    seen: dict[str, int] = {}
    labels = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return labels


def _signed(us: float) -> str:
    digits = 1 if abs(us) < 100 else 0
    return signed(us, f"{{:,.{digits}f}}".format)


def _time_title(origin: Origin, latencies: bool) -> str:
    if latencies:
        return f"Median latency of one inference, µs ({origin}; line: fastest to p90)"
    first = "first, cold, profiled inference" if origin is Origin.DEVICE else "one inference"
    return f"Time of {first}, µs ({origin})"


def _time(record: CellRecord, latencies: bool) -> float:
    if latencies:
        return record.latency.median_us if record.latency else 0
    return record.metrics.time_us if record.metrics else 0


def _range(group: Sequence[CellRecord]) -> dict[str, Any]:
    spans = [record.latency for record in group if record.latency]
    return {
        "type": "data",
        "symmetric": False,
        "array": [span.p90_us - span.median_us for span in spans],
        "arrayminus": [span.median_us - span.min_us for span in spans],
        "thickness": 1.5,
        "width": 4,
    }


def _series(records: Sequence[CellRecord]) -> dict[str, list[CellRecord]]:
    series: dict[str, list[CellRecord]] = {}
    for record in records:
        variant = "" if record.cell.variant == "default" else f" {record.cell.variant}"
        series.setdefault(f"{record.cell.soc}{variant}", []).append(record)
    return series
