"""The static report of a run: one page that opens from disk and from the bucket, with no network.

The page is `reports/<run_id>/index.html`; plotly's script is stored once, beside it, and shared by every report.
"""

from __future__ import annotations

import plotly
from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from qhas.record import MANIFEST, CellRecord, Origin, SweepRecord
from qhas.report.plots import dominant_path, time_by_network
from qhas.rows import ORIGIN_TITLE, by_origin, row, statements
from qhas.runs import cell_prefix, run_prefix
from qhas.store import Store

_SCRIPT = f"plotly-{plotly.__version__}.min.js"
_TO_ROOT = "../.."
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
}
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
        good=run.cells - run.failed,
    )


def _group(run: SweepRecord, origin: Origin, records: list[CellRecord]) -> dict[str, object]:
    return {
        "id": origin.value,
        "title": ORIGIN_TITLE[origin],
        "statements": statements(records),
        "variants": any(record.cell.variant != "default" for record in records),
        "rows": [(row(record), *_links(run, record)) for record in records],
        "plots": [time_by_network(records, origin), dominant_path(records, origin)],
    }


def _links(run: SweepRecord, record: CellRecord) -> tuple[list[Link], list[Link]]:
    """What is opened first, and the rest. The tools' output comes first where the cell failed."""
    base = f"{_TO_ROOT}/{cell_prefix(run.run_id, record.cell)}"
    outputs = [
        (a.path.removesuffix(".txt"), f"{base}/{a.path}") for a in record.artifacts if a.name == "output"
    ]
    first, more = (
        [
            (text, f"{base}/{a.path}")
            for name, text in table.items()
            for a in record.artifacts
            if a.name == name
        ]
        for table in (_LINKS, _MORE_LINKS)
    )
    first.append(("record", f"{base}/{MANIFEST}"))
    return (first + outputs, more) if record.failure else (first, more + outputs)
