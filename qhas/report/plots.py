"""The plots of a report, as plotly figures."""

from __future__ import annotations

import json
from itertools import cycle, islice

import plotly.graph_objects as go
from plotly.colors import qualitative
from plotly.io import to_json

from qhas.record import CellRecord

_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 60, "r": 20, "t": 40, "b": 60},
    "legend": {"orientation": "h", "y": -0.2},
    "font": {"family": "system-ui, sans-serif"},
}
_OTHER = "everything else"


def time_by_network(records: list[CellRecord], label: str) -> dict[str, object]:
    """Grouped bars: time of the first inference in microseconds, a group per network, a colour per SoC."""
    figure = go.Figure()
    for series, group in _series(records).items():
        figure.add_bar(
            name=series,
            x=[record.cell.model.name for record in group],
            y=[record.metrics.time_us for record in group if record.metrics],
            hovertemplate="%{x}: %{y:,} µs<extra>" + series + "</extra>",
        )
    figure.update_layout(barmode="group", title=f"Time of one inference, µs ({label})", height=420, **_LAYOUT)
    return _plain(figure)


def dominant_path(records: list[CellRecord], label: str) -> dict[str, object]:
    """Stacked bars: which op types the critical path of each cell consists of, in percent."""
    shown = [record for record in records if record.metrics]
    ops = dict.fromkeys(
        share.op for record in shown if record.metrics for share in record.metrics.top_ops[:5]
    )
    figure = go.Figure()
    names = [_short(record) for record in shown]
    for op, colour in zip([*ops, _OTHER], [*_colours(len(ops)), "lightgrey"], strict=True):
        shares = [_share(record, op, list(ops)) for record in shown]
        figure.add_bar(
            name=op,
            marker_color=colour,
            y=names,
            x=shares,
            orientation="h",
            hovertemplate="%{y}: %{x:.1f} %<extra>" + op + "</extra>",
        )
    figure.update_layout(
        barmode="stack",
        title=f"Dominant path by op type, % ({label})",
        height=160 + 22 * len(shown),
        **_LAYOUT,
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    return _plain(figure)


def _colours(count: int) -> list[str]:
    return list(islice(cycle([*qualitative.Plotly, *qualitative.Dark24]), count))


def _series(records: list[CellRecord]) -> dict[str, list[CellRecord]]:
    series: dict[str, list[CellRecord]] = {}
    for record in records:
        if record.metrics:
            variant = "" if record.cell.variant == "default" else f" {record.cell.variant}"
            series.setdefault(f"{record.cell.soc}{variant}", []).append(record)
    return series


def _share(record: CellRecord, op: str, named: list[str]) -> float:
    shares = {share.op: share.dominant_percent for share in record.metrics.top_ops} if record.metrics else {}
    if op == _OTHER:
        return max(0.0, 100.0 - sum(percent for name, percent in shares.items() if name in named))
    return shares.get(op, 0.0)


def _short(record: CellRecord) -> str:
    variant = "" if record.cell.variant == "default" else f" · {record.cell.variant}"
    return f"{record.cell.model.name} · {record.cell.soc}{variant}"


def _plain(figure: go.Figure) -> dict[str, object]:
    """Figure as JSON data, with no default template spelled out."""
    data: dict[str, object] = json.loads(to_json(figure, validate=False))
    return data
