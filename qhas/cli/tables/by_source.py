"""The time of each node of an ONNX, or of each module of its program, in the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhas.report.by_source import BySource, SourceRow, TransferRow
from qhas.report.op_row import OpRow
from qhas.runs.record import CellRecord
from qhas.runs.rows import ORIGIN_TITLE
from qhas.source.level import Level
from qhas.units import percent, size

Shown = Sequence[tuple[CellRecord, BySource | str]]
_ROWS = 25
"""Maximum number of rows per cell; the rest are summed up in one row, and `--json` has all."""
_NAMED = 8
"""Maximum number of ops or transfers outside the rows to list one by one."""


def show_by_source(console: Console, shown: Shown) -> None:
    """Print a table per cell, then what belongs to no known node or module. Names are data, never markup."""
    for record, by_source in shown:
        if isinstance(by_source, str):
            console.print(Text(f"{record.cell.label}: {by_source}."), soft_wrap=True)
            continue
        console.print(
            Text(f"{record.cell.label}: {by_source.summary}. {ORIGIN_TITLE[record.origin]}.", "bold"),
            soft_wrap=True,
        )
        console.print(_table(by_source))
        for what, rows in by_source.others:
            if rows:
                console.print(Text(_listed(by_source, what, rows)), soft_wrap=True)


def document(shown: Shown, level: str) -> dict[str, Any]:
    """Return all rows of all cells."""
    return {
        "by": level,
        "cells": [
            {"cell": record.cell.key, "origin": record.origin, "reason": by_source}
            if isinstance(by_source, str)
            else {"cell": record.cell.key, "origin": record.origin} | _of_cell(by_source)
            for record, by_source in shown
        ],
    }


def _of_cell(by_source: BySource) -> dict[str, Any]:
    return {
        "known_percent": by_source.known_percent,
        "rows": [asdict(row) for row in by_source.rows],
        "unknown": [_op(by_source, op) for op in by_source.unknown],
        "ends": [_op(by_source, op) for op in by_source.ends],
        "shares": by_source.shares._asdict(),
        "transfers": [asdict(row) | {"percent": by_source.share([row])} for row in by_source.transfers],
    }


def _op(by_source: BySource, op: OpRow) -> dict[str, Any]:
    return {"op": op.name, "type": op.type, "percent": by_source.share([op]), "dominant": op.dominant}


def _table(by_source: BySource) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(by_source.level.value, overflow="fold")
    for title in ("share", "µs", "cycles", "DRAM", "ops"):
        table.add_column(title, justify="right", no_wrap=True)
    sources = any(row.source for row in by_source.rows)
    if sources:
        table.add_column("source", overflow="fold")
    for row in by_source.rows[:_ROWS]:
        table.add_row(*map(Text, _texts(by_source, row)), *([Text(row.source)] if sources else []))
    if more := by_source.rows[_ROWS:]:
        table.add_row(Text(f"{len(more)} more", "dim"), Text(percent(by_source.share(more))))
    return table


def _texts(by_source: BySource, row: SourceRow) -> list[str]:
    module = f" ({row.module})" if by_source.level is Level.NODE and row.module else ""
    us = "–" if row.us is None else f"{row.us:,.1f}"
    share = percent(by_source.share([row]))
    return [row.name + module, share, us, f"{row.dominant:,}", size(row.dram), str(row.ops)]


def _listed(by_source: BySource, what: str, rows: Sequence[tuple[str, OpRow | TransferRow]]) -> str:
    named = ", ".join(f"{name} {percent(by_source.share([row]))}" for name, row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"{what}: {percent(by_source.share(row for _, row in rows))} ({named}{more})."
