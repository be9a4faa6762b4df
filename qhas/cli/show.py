"""`qhas show`: the results of a stored run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qhas.cli.against import AgainstOption, against_run, require_other
from qhas.cli.csv_rows import write_table
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, RunArgument, SiteOption, run_of, store_of
from qhas.cli.screen import console
from qhas.cli.tables.run import show_run
from qhas.failures import InvalidInput
from qhas.llm.foreseen import document as language_document
from qhas.runs.expected import document as expected_document
from qhas.runs.front import fronts
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.runs.stored import load_run
from qhas.source.level import Level
from qhas.store import Store

if TYPE_CHECKING:
    from qhas.diff.model import RunDiff


class Rows(StrEnum):
    """What each row of the CSV describes."""

    CELLS = "cells"
    OPS = "ops"


@command
def show(
    run_id: RunArgument,
    site: SiteOption = None,
    against: AgainstOption = None,
    csv: Annotated[
        Rows | None, typer.Option(help="Print one row per cell, or per op of the network, as CSV.")
    ] = None,
    by: Annotated[
        Level | None,
        typer.Option(
            help="Show the time of each node of the ONNX, or of each module that its exporter names."
        ),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="With --by module: how many levels of a path to group by.")
    ] = None,
    as_json: JsonOption = False,
) -> Exit:
    """Show a stored run; exit code 1 if a cell failed, is over budget, or became slower than in the other run."""
    store = store_of(site)
    run_id = run_of(store, run_id)
    require_other(store, against)
    run, cells = load_run(store, run_id)
    if by:
        _require_alone(csv, against)
        _show_by_source(store, cells, by, depth, as_json)
        return _judged(run, cells)
    if depth:
        raise InvalidInput("--depth applies only to modules: add --by module.")
    if csv:
        if as_json or against:
            raise InvalidInput("--csv prints only rows; leave out --json and --against.")
        _write(store, run, cells, csv)
        return _judged(run, cells)
    diff = against_run(store, run_id, against)
    return show_result(run, cells, as_json, diff)


def show_result(
    run: SweepRecord, cells: list[CellRecord], as_json: bool = False, diff: RunDiff | None = None
) -> Exit:
    """Print a run and what changed in it since another one; return the exit code, which says whether all is good."""
    if as_json:
        document: dict[str, Any] = {
            "run": run.model_dump(mode="json"),
            "cells": [cell.model_dump(mode="json") for cell in cells],
            "expected": {cell.cell.key: made for cell in cells if (made := expected_document(cell))},
        }
        if expected := {cell.cell.key: made for cell in by_graph(cells) if (made := language_document(cell))}:
            document["expected_language"] = expected
        if trade_offs := [front.document() for front in fronts(by_graph(cells))]:
            document["fronts"] = trade_offs
        print_json(document | ({"diff": diff.model_dump(mode="json")} if diff else {}))
    else:
        show_run(console, run, cells)
        if unfinished := run.cells - len(cells):
            console.print(f"{unfinished} of {run.cells} cells are not finished.")
        if diff:
            from qhas.cli.tables.diff import show_run as show_diff

            show_diff(console, diff)
    return _judged(run, cells, diff)


def _judged(run: SweepRecord, cells: list[CellRecord], diff: RunDiff | None = None) -> Exit:
    good = sum(cell.good and not cell.over_budget for cell in cells)
    return Exit.CELLS_FAILED if run.cells > good or (diff and diff.worse) else Exit.GOOD


def _require_alone(csv: Rows | None, against: str | None) -> None:
    if csv or against:
        raise InvalidInput("--by shows one run by where its ops come from; leave out --csv and --against.")


def _show_by_source(
    store: Store, cells: list[CellRecord], level: Level, depth: int | None, as_json: bool
) -> None:
    from qhas.cli.tables.by_source import document, show_by_source  # QHAS files take a while to load
    from qhas.report.stored_sources import cells_by_source

    if depth and level is not Level.MODULE:
        raise InvalidInput("--depth applies only to modules: add --by module.")
    shown = cells_by_source(store, by_graph(cells), level, depth)
    if as_json:
        print_json(document(shown, level))
    else:
        show_by_source(console, shown)


def _write(store: Store, run: SweepRecord, cells: list[CellRecord], rows: Rows) -> None:
    from qhas.archive.op_table import op_table  # Arrow takes half a second to import; tables do not need it
    from qhas.history.columns import cell_rows

    records = by_graph(cells)
    table = op_table(store, records) if rows is Rows.OPS else cell_rows(run, records, {})
    write_table(table)
