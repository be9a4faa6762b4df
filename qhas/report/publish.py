"""The static report of a run: pages that open from disk and from the bucket, without a network connection.

`reports/<run_id>/index.html` is the page of the run, `reports/<run_id>/cells/<model>/<soc>/<variant>/index.html` that
of a cell, `reports/index.html` that of all runs. Pages contain their data; scripts and style are stored once for all
reports.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from qhas.diff.model import CellDiff
from qhas.report.assets import publish_assets
from qhas.report.cell_page import Neighbours, with_neighbours
from qhas.report.findings import Findings
from qhas.report.gather import read_baseline, read_contents
from qhas.report.links import cell_page
from qhas.report.page_writers import open_writers
from qhas.report.run_index import publish_entry
from qhas.report.run_page import run_page
from qhas.report.stored_findings import read_findings
from qhas.runs import keys
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.store import Store

_AHEAD = 7
"""Cells whose files are read while all writers are busy: a store may take a while to answer."""


def publish_report(
    store: Store,
    run: SweepRecord,
    cells: list[CellRecord],
    findings: Findings | None = None,
    made: Callable[[CellRecord], None] = lambda _: None,
) -> str:
    """Write the report of a run, cells first, add it to the index, and return its address. Raises StoreError.

    Without findings it shows the stored verdicts and history. Every cell is compared with the last finished run of
    the same sweep. A DLC of several graphs has a page per graph. `made` is called with each record whose page has
    been written.
    """
    whole, cells = cells, by_graph(cells)
    with open_writers(len(cells)) as writers:
        baseline = read_baseline(store, run, whole)
        judged = read_findings(store, run, cells) if findings is None else findings
        judged = replace(judged, baseline=baseline.run_id if baseline else None)
        write_page = writers.of(run, judged)

        def publish_cell(page_of: tuple[CellRecord, Neighbours]) -> tuple[CellRecord, CellDiff | None]:
            record, neighbours = page_of
            written = write_page(read_contents(store, record, baseline), neighbours)
            store.write(keys.report(run.run_id, cell_page(record.cell)), written.page.encode())
            return record, written.diff

        publish_assets(store)
        diffs = {}
        with ThreadPoolExecutor(writers.at_once + _AHEAD, "qhas-report") as threads:
            for record, diff in threads.map(publish_cell, with_neighbours(cells)):
                if diff:
                    diffs[record.cell.key] = diff
                made(record)
    judged = replace(judged, diffs=diffs)
    store.write(keys.report(run.run_id), run_page(run, cells, judged).encode())
    publish_entry(store, run, cells, judged)
    return store.url(keys.report(run.run_id))
