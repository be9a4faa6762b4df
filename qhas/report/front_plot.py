"""Plots of accuracy against time for a network's variants."""

from __future__ import annotations

from collections.abc import Sequence

from qhas.report.plots import Plot
from qhas.runs.front import Front, Point

MOST = 6
"""The most pairs of network and SoC that have a plot of their own; all of them have sentences."""


def front_plots(fronts: Sequence[Front]) -> list[Plot]:
    """Return a plot for each of the first fronts."""
    return [_plot(front, number) for number, front in enumerate(fronts[:MOST])]


def _plot(front: Front, number: int) -> Plot:
    series = [("front", "lines+markers+text", front.best), ("beaten", "markers+text", front.beaten)]
    return Plot(
        f"{front.origin}-front-{number}",
        f"{front.network} on {front.soc}: SQNR in dB against time in µs ({front.origin})",
        [
            {
                "type": "scatter",
                "mode": mode,
                "name": name,
                "x": [point.time_us for point in points],
                "y": [point.sqnr_db for point in points],
                "text": [point.name for point in points],
                "textposition": "top center",
                "customdata": [point.cosine for point in points],
                "marker": {"size": 10},
                "hovertemplate": "%{text}: %{x:,} µs, %{y} dB, cosine %{customdata:.5f}<extra></extra>",
            }
            for name, mode, points in series
            if points
        ],
        {
            "height": 300,
            "xaxis": {"rangemode": "tozero", "range": [0, 1.15 * _slowest(front.points)]},
            "yaxis": {"rangemode": "tozero"},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        },
    )


def _slowest(points: Sequence[Point]) -> float:
    return max(point.time_us for point in points)
