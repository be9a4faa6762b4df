"""The static report of a run: one page that opens from disk and from the bucket, with no network.

The page is `reports/<run_id>/index.html`; plotly's script is stored once, beside it, and shared by every report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from qhas.record import MANIFEST, CellRecord, CellStatus, Origin, SweepRecord
from qhas.report.plots import dominant_path, time_by_network
from qhas.rows import ORIGIN_TITLE, Column, by_origin, columns, legend, row
from qhas.runs import cell_prefix, run_prefix
from qhas.sites import site_table
from qhas.store import Store

_SCRIPT = f"plotly-{plotly.__version__}.min.js"
_TO_ROOT = "../.."
_WHO = {"network", "soc", "variant", "status", "device"}
"""Columns that a failed cell has, too; its message takes the place of the others."""
Link = tuple[str, str]
"""Text and address."""
_LINKS = {"chrometrace": "trace", "qhas_html": "QHAS"}
_MORE_LINKS = {
    "qhas": "QHAS JSON",
    "qhas_schema": "QHAS schema",
    "htp_graph": "HTP graph",
    "runtrace": "runtrace",
    "log": "log",
    "schematic": "schematic",
    "output_tensor": "output tensor",
    "latency_samples": "latency samples",
    "diag_log": "diagnostic log",
    "device_log": "device log",
}
_FAILED_LINKS = {"device_log": "device log"}
"""What is opened first where the cell failed."""
_templates = Environment(
    loader=PackageLoader("qhas.report", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
)


def publish_report(store: Store, run: SweepRecord, cells: list[CellRecord]) -> str:
    """Write the report of a run; its address. Raises StoreError."""
    script = f"reports/assets/{_SCRIPT}"
    if not store.exists(script):
        store.write(script, get_plotlyjs().encode())
    key = f"reports/{run.run_id}/index.html"
    store.write(key, render(run, cells).encode())
    return store.url(key)


def render(run: SweepRecord, cells: list[CellRecord]) -> str:
    """The page. Names of networks and ops are data: they are escaped, also inside the plots' JSON."""
    groups = [_group(run, origin, records) for origin, records in by_origin(cells)]
    return _templates.get_template("run.html").render(
        run=run,
        groups=groups,
        script=f"../assets/{_SCRIPT}",
        sweep_json=f"{_TO_ROOT}/{run_prefix(run.run_id)}/sweep.json",
        sites=site_table(run.sites),
        style_of=_style_of,
    )


def _style_of(column: Column, cells: Mapping[str, str]) -> str:
    """The class of a table's cell."""
    if column.field == "status":
        return "complete" if cells["status"] == CellStatus.COMPLETE else "failed"
    return {"mark": "failed", "health": "note"}.get(column.field, "n" if column.numeric else "")


def _group(run: SweepRecord, origin: Origin, records: list[CellRecord]) -> dict[str, object]:
    shown = columns(origin, records)
    plots = (time_by_network(records, origin), dominant_path(records, origin))
    return {
        "id": origin.value,
        "title": ORIGIN_TITLE[origin],
        "legend": legend(records),
        "who": [column for column in shown if column.field in _WHO],
        "figures": [column for column in shown if column.field not in _WHO],
        "rows": [(asdict(row(record)), *_links(run, record)) for record in records],
        "plots": [plot for plot in plots if plot["data"]],
    }


def _links(run: SweepRecord, record: CellRecord) -> tuple[list[Link], list[Link]]:
    """What is opened first, and the rest. The tools' and the device's words come first where the cell failed."""
    base = f"{_TO_ROOT}/{cell_prefix(run.run_id, record.cell)}"
    outputs = [
        (a.path.removesuffix(".txt"), f"{base}/{a.path}") for a in record.artifacts if a.name == "output"
    ]
    of_failure = _FAILED_LINKS if record.failure else {}
    later = {name: text for name, text in _MORE_LINKS.items() if name not in of_failure}
    first, more = (
        [
            (text, f"{base}/{a.path}")
            for name, text in table.items()
            for a in record.artifacts
            if a.name == name and not a.pruned_at
        ]
        for table in (_LINKS | of_failure, later)
    )
    first.append(("record", f"{base}/{MANIFEST}"))
    return (first + outputs, more) if record.failure else (first, more + outputs)
