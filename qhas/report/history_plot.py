"""Plots of a cell's figures over the nights: a line per segment, and a mark wherever a verdict was given."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from qhas.report.findings import History
from qhas.report.plots import Plot
from qhas.runs.record import Origin
from qhas.units import words
from qhas.verdict.model import Verdict

_QUIET = (Verdict.STEADY, Verdict.INSUFFICIENT_DATA)


def history_plots(histories: Iterable[History], origin: Origin) -> list[Plot]:
    """Return a plot per figure; figures of only one night have none."""
    return [
        _plot(f"history-{number}", history, origin)
        for number, history in enumerate(histories, 1)
        if len(history.points) > 1
    ]


def _plot(name: str, history: History, origin: Origin) -> Plot:
    segments = [list(points) for _, points in groupby(history.points, key=lambda point: point.segment)]
    judged = [point for point in history.points if point.verdict and point.verdict not in _QUIET]
    lines: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": points[0].segment,
            "x": [point.moment.isoformat() for point in points],
            "y": [point.value for point in points],
            "text": [point.run_id for point in points],
            "marker": {"size": 5},
            "line": {"width": 1.5},
            "hovertemplate": "%{text}<br>%{y:,}",
        }
        for points in segments
    ]
    marks = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": words(verdict),
            "x": [point.moment.isoformat() for point in judged if point.verdict is verdict],
            "y": [point.value for point in judged if point.verdict is verdict],
            "text": [point.run_id for point in judged if point.verdict is verdict],
            "marker": {"size": 13, "symbol": "circle-open", "line": {"width": 2.5}},
            "hovertemplate": "%{text}<br>%{y:,}",
        }
        for verdict in Verdict
        if any(point.verdict is verdict for point in judged)
    ]
    borders = [
        {
            "type": "line",
            "yref": "paper",
            "x0": points[0].moment.isoformat(),
            "x1": points[0].moment.isoformat(),
            "y0": 0,
            "y1": 1,
            "line": {"dash": "dot", "width": 1},
        }
        for points in segments[1:]
    ]
    return Plot(
        name,
        f"{history.title} by night ({origin})",
        lines + marks,
        {
            "height": 320,
            "shapes": borders,
            "xaxis": {"type": "date"},
            "yaxis": {"rangemode": "normal"},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        },
    )
