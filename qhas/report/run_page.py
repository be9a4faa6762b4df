"""The page of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from qhas.report import plots
from qhas.report.dominant_path import path_of
from qhas.report.families import ALL, Family, family_of
from qhas.report.findings import Findings
from qhas.report.front_plot import front_plots
from qhas.report.grid import grid
from qhas.report.language import RATES, language_rows, rate_plots
from qhas.report.lead import lead
from qhas.report.links import cell_page, first_links
from qhas.report.matrix import matrix
from qhas.report.rendering import render
from qhas.report.standing import Tone, standing
from qhas.runs import keys
from qhas.runs.front import fronts
from qhas.runs.record import CellRecord, Origin, SweepRecord
from qhas.runs.rows import (
    ORIGIN_TITLE,
    by_origin,
    columns,
    legend,
    row,
    site_table,
)
from qhas.runs.stored import planned_cells
from qhas.verdict.upgrade import upgrade_tables

_WHO = {"network", "soc", "variant", "status", "device"}
"""Columns that a failed cell has, too; its message takes the place of the others."""
_ROWS = 600
"""The most cells in a page's table, so that the page stays readable and below 1 MB; the matrix has all of them."""


def run_page(run: SweepRecord, cells: Sequence[CellRecord], findings: Findings) -> str:
    """Render the page of a run, at `reports/<run_id>/index.html`."""
    return render(
        "run.html",
        "..",
        run=run,
        cells=cells,
        lead=lead(run, cells, findings),
        baseline=findings.baseline,
        accepted=[findings.accepted[key] for key in sorted(findings.accepted)],
        upgrades=upgrade_tables([verdict for each in findings.verdicts.values() for verdict in each]),
        pages={record.cell.key: cell_page(record.cell) for record in cells},
        counts=_counts(cells, findings),
        groups=[_group(run, records, origin, findings) for origin, records in by_origin(list(cells))],
        not_run=_not_run(run, cells),
        sites=site_table(run.sites),
        sweep_json=f"../../{keys.sweep_record(run.run_id)}",
    )


def _counts(cells: Sequence[CellRecord], findings: Findings) -> list[tuple[str, Tone, int]]:
    """Return the words of the matrix with the number of their cells, the gravest first."""
    counted = Counter((shown.tone, shown.word) for shown in (standing(cell, findings) for cell in cells))
    tones = list(Tone)
    return [
        (word, tone, count)
        for (tone, word), count in sorted(
            counted.items(), key=lambda item: (tones.index(item[0][0]), -item[1])
        )
    ]


def _not_run(run: SweepRecord, cells: Sequence[CellRecord]) -> list[str]:
    done = {record.cell.key for record in cells}
    of_graphs = {key.rpartition("/")[0] for key in done}
    return [
        cell.label for cell in planned_cells(run.spec) if cell.key not in done and cell.key not in of_graphs
    ]


def _group(
    run: SweepRecord, records: list[CellRecord], origin: Origin, findings: Findings
) -> dict[str, object]:
    shown = columns(origin, records)
    rows = [_row(record, findings) for record in records]
    if len(rows) > _ROWS:
        rows = sorted(rows, key=lambda row: list(Tone).index(row["standing"].tone))[:_ROWS]
    variants = grid(run.spec.variants, records)
    plot = None if variants else plots.time_by_network(records, origin)  # a series per variant is no help
    near = fronts(records)
    return {
        "id": origin.value,
        "fronts": near,
        "front_plots": front_plots(near),
        "languages": language_rows(records),
        "rates": [figure.short_of(origin) for figure in RATES],
        "rate_plots": rate_plots(records, origin),
        "title": ORIGIN_TITLE[origin],
        "legend": legend(records),
        "matrix": matrix(records, findings),
        "grid": variants,
        "who": [column for column in shown if column.field in _WHO],
        "figures": [column for column in shown if column.field not in _WHO],
        "judged": findings.judged or bool(findings.diffs) or any(record.budgets for record in records),
        "rows": rows,
        "left_out": len(records) - len(rows),
        "plots": [plot] if plot else [],
        "families": _families(piece.op for row in rows for piece in row["path"]),
    }


def _row(record: CellRecord, findings: Findings) -> dict[str, Any]:
    return {
        "text": asdict(row(record)),
        "href": cell_page(record.cell),
        "standing": standing(record, findings),
        "path": path_of(record),
        "links": first_links(record, "../.."),
    }


def _families(ops: Iterable[str]) -> list[Family]:
    present = {family_of(op) for op in ops}
    return [family for family in ALL if family in present]
