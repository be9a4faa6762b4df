"""The static report of a run: pages that open from disk and from the bucket, with no network.

`reports/<run_id>/index.html` is the run, `reports/<run_id>/cells/<model>/<soc>/<variant>/index.html` a cell,
`reports/index.html` all runs. Pages carry their data; scripts and style are stored once for all reports.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from qhas.record import CellRecord, SweepRecord
from qhas.report.assets import publish_assets
from qhas.report.findings import Findings, read_findings
from qhas.report.gather import ops_of, timeline_of
from qhas.report.links import cell_page
from qhas.report.pages import Neighbours, cell_page_text, run_page, with_neighbours
from qhas.report.run_index import publish_entry
from qhas.store import Store

_AT_ONCE = 8
"""Cells whose files are read and whose pages are written at the same time."""


def publish_report(
    store: Store,
    run: SweepRecord,
    cells: list[CellRecord],
    findings: Findings | None = None,
    made: Callable[[CellRecord], None] = lambda _: None,
) -> str:
    """Write the report of a run, its cells first, and put it into the index; its address. Raises StoreError.

    Without findings it shows those that are stored with the run. `made` hears of each cell whose page is written.
    """
    known = read_findings(store, run.run_id) if findings is None else findings
    publish_assets(store)
    base = f"reports/{run.run_id}"

    def publish_cell(page_of: tuple[CellRecord, Neighbours]) -> CellRecord:
        record, neighbours = page_of
        page = cell_page_text(
            run, record, neighbours, known, ops_of(store, record), timeline_of(store, record)
        )
        store.write(f"{base}/{cell_page(record.cell)}", page.encode())
        return record

    with ThreadPoolExecutor(_AT_ONCE, "qhas-report") as threads:
        for record in threads.map(publish_cell, with_neighbours(cells)):
            made(record)
    store.write(f"{base}/index.html", run_page(run, cells, known).encode())
    publish_entry(store, run, cells, known)
    return store.url(f"{base}/index.html")
