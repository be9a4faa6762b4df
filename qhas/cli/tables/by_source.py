"""What each node of an ONNX took, or each module of its program, in the terminal and as JSON."""

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
"""Of a cell; the rest is one row, and `--json` has all."""
_NAMED = 8
"""Ops of no known origin that are listed one by one."""


def show_by_source(console: Console, shown: Shown) -> None:
    """A table a cell, then what is of no known node or module. Names are data, never markup."""
    for record, found in shown:
        if isinstance(found, str):
            console.print(Text(f"{record.cell.label}: {found}."), soft_wrap=True)
            continue
        console.print(
            Text(f"{record.cell.label}: {found.summary}. {ORIGIN_TITLE[record.origin]}.", "bold"),
            soft_wrap=True,
        )
        console.print(_table(found))
        for what, rows in found.others:
            if rows:
                console.print(Text(_listed(found, what, rows)), soft_wrap=True)


def document(shown: Shown, level: str) -> dict[str, Any]:
    """All rows of all cells."""
    return {
        "by": level,
        "cells": [
            {"cell": record.cell.key, "origin": record.origin, "reason": found}
            if isinstance(found, str)
            else {"cell": record.cell.key, "origin": record.origin} | _of_cell(found)
            for record, found in shown
        ],
    }


def _of_cell(found: BySource) -> dict[str, Any]:
    return {
        "known_percent": found.known_percent,
        "rows": [asdict(row) for row in found.rows],
        "unknown": [_op(found, op) for op in found.unknown],
        "ends": [_op(found, op) for op in found.ends],
        "shares": found.shares._asdict(),
        "transfers": [asdict(row) | {"percent": found.share([row])} for row in found.transfers],
    }


def _op(found: BySource, op: OpRow) -> dict[str, Any]:
    return {"op": op.name, "type": op.type, "percent": found.share([op]), "dominant": op.dominant}


def _table(found: BySource) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(found.level.value, overflow="fold")
    for title in ("share", "µs", "cycles", "DRAM", "ops"):
        table.add_column(title, justify="right", no_wrap=True)
    sources = any(row.source for row in found.rows)
    if sources:
        table.add_column("source", overflow="fold")
    for row in found.rows[:_ROWS]:
        table.add_row(*map(Text, _texts(found, row)), *([Text(row.source)] if sources else []))
    if more := found.rows[_ROWS:]:
        table.add_row(Text(f"{len(more)} more", "dim"), Text(percent(found.share(more))))
    return table


def _texts(found: BySource, row: SourceRow) -> list[str]:
    module = f" ({row.module})" if found.level is Level.NODE and row.module else ""
    us = "–" if row.us is None else f"{row.us:,.1f}"
    share = percent(found.share([row]))
    return [row.name + module, share, us, f"{row.dominant:,}", size(row.dram), str(row.ops)]


def _listed(found: BySource, what: str, rows: Sequence[tuple[str, OpRow | TransferRow]]) -> str:
    named = ", ".join(f"{name} {percent(found.share([row]))}" for name, row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"{what}: {percent(found.share(row for _, row in rows))} ({named}{more})."
