"""The plots of a report, as plotly figures."""

from __future__ import annotations

import json
from itertools import cycle, islice

import plotly.graph_objects as go
from plotly.colors import qualitative
from plotly.io import to_json

from qhas.record import CellRecord, Origin

_LAYOUT = {
    "template": "plotly_white",
    "margin": {"l": 60, "r": 20, "t": 40, "b": 60},
    "legend": {"orientation": "h", "y": -0.2},
    "font": {"family": "system-ui, sans-serif"},
}
_OTHER = "everything else"


def time_by_network(records: list[CellRecord], origin: Origin) -> dict[str, object]:
    """Grouped bars in microseconds, a group per network, a colour per SoC: of what may be quoted, if there is any.

    Measured cells show the median latency with a line from the fastest inference to p90; without latencies, and for
    simulated cells, it is the time of the first inference.
    """
    figure = go.Figure()
    measured = [record for record in records if record.latency and not record.failure]
    for series, group in _series(measured or [record for record in records if record.metrics]).items():
        figure.add_bar(
            name=series,
            x=[record.cell.model.name for record in group],
            y=[_time(record, bool(measured)) for record in group],
            error_y=_range(group) if measured else None,
            hovertemplate="%{x}: %{y:,} µs<extra>" + series + "</extra>",
        )
    figure.update_layout(barmode="group", title=_time_title(origin, bool(measured)), height=420, **_LAYOUT)
    return _plain(figure)


def _time_title(origin: Origin, latencies: bool) -> str:
    if latencies:
        return f"Median latency of one inference, µs ({origin}; line: fastest to p90)"
    first = "first, cold, profiled inference" if origin is Origin.DEVICE else "one inference"
    return f"Time of {first}, µs ({origin})"


def _time(record: CellRecord, latencies: bool) -> float | None:
    if latencies:
        return record.latency.median_us if record.latency else None
    return record.metrics.time_us if record.metrics else None


def _range(group: list[CellRecord]) -> dict[str, object]:
    spans = [record.latency for record in group if record.latency]
    return {
        "type": "data",
        "symmetric": False,
        "array": [span.p90_us - span.median_us for span in spans],
        "arrayminus": [span.median_us - span.min_us for span in spans],
        "thickness": 1.2,
    }


def dominant_path(records: list[CellRecord], label: str) -> dict[str, object]:
    """Stacked bars: which op types the critical path of each cell consists of, in percent."""
    shown = [record for record in records if record.metrics]
    ops = dict.fromkeys(
        share.op for record in shown if record.metrics for share in record.metrics.top_ops[:5]
    )
    figure = go.Figure()
    names = [_short(record) for record in shown]
    for op, colour in zip(
        [*ops, _OTHER] if shown else [], [*_colours(len(ops)), "lightgrey"], strict=bool(shown)
    ):
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
