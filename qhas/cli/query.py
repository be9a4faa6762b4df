"""`qhas query`: SQL queries over everything stored."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command
from qhas.cli.history import report_damage
from qhas.cli.options import SiteOption, store_of
from qhas.cli.screen import console, errors
from qhas.cli.tables.turned import fitting
from qhas.failures import InvalidInput
from qhas.outside_text import csv_cell, shown
from qhas.query_plan import LONGEST_SECONDS

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 1000
_LEAST = 10
"""Minimum width of a column: in a narrower one, names and figures are broken too often to be read."""
_BESIDE = 8
"""Maximum number of rows side by side when columns are shown as lines."""


@command
def query(
    question: Annotated[
        str, typer.Argument(metavar="SQL", help="A SELECT over the views cells, ops, runs and verdicts.")
    ],
    rows: Annotated[int, typer.Option(min=1, help="Maximum number of rows to show as a table.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as one JSON document.")] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="Stop a query that takes longer.")
    ] = LONGEST_SECONDS,
    site: SiteOption = None,
) -> Exit:
    """Query history, runs and verdicts in SQL; read-only."""
    if as_csv and as_json:
        raise InvalidInput("Choose one of --csv and --json.")
    from qhas.query import ask  # Arrow takes half a second to import; other commands do not need it

    answer = ask(store_of(site), question, report_damage, timeout)
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(csv_cell(name) for name in answer.column_names)
        writer.writerows(map(csv_cell, row.values()) for row in _rows(answer))
    elif as_json:
        _print_json(answer)
    else:
        _show(answer, rows)
    return Exit.GOOD


def _show(answer: pa.Table, rows: int) -> None:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    numbers = {
        field.name
        for field in answer.schema
        if str(field.type).startswith(("int", "double", "float", "decimal"))
    }
    for name in answer.column_names:
        table.add_column(Text(shown(name)), justify="right" if name in numbers else "left", overflow="fold")
    lines = [[_text(value) for value in row.values()] for row in _rows(answer.slice(0, rows))]
    if len(answer.column_names) * _LEAST > console.width:
        _show_turned([shown(name) for name in answer.column_names], lines)
    else:
        for line in lines:
            table.add_row(*map(Text, line))
        console.print(table)
    if answer.num_rows > rows:
        errors.print(
            f"qhas: {answer.num_rows - rows} more rows; --rows, --csv or --json shows them.", style="dim"
        )


def _show_turned(titles: list[str], lines: list[list[str]]) -> None:
    """Show each column as a line, for answers with more columns than the terminal has room for."""
    if not lines:
        console.print(f"No rows of {', '.join(titles)}.", soft_wrap=True)
    for start in range(0, len(lines), _BESIDE):
        for table in fitting([titles, *lines[start : start + _BESIDE]], console.width):
            console.print(table)


def _rows(answer: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows, converting a few at a time: Python's objects are many times larger than Arrow's.

    Raises InvalidInput for a value that Python cannot represent.
    """
    try:
        for batch in answer.to_batches(max_chunksize=_ROWS_AT_ONCE):
            yield from batch.to_pylist()
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"A value of the answer cannot be shown ({error}): cast it to varchar.") from error


def _print_json(answer: pa.Table) -> None:
    before = '{\n  "rows": [\n'
    for row in _rows(answer):
        sys.stdout.write(before + indent(json.dumps(_finite(row), indent=2, default=str), "    "))
        before = ",\n"
    sys.stdout.write("\n  ]\n}\n" if answer.num_rows else f"{before}  ]\n}}\n")


def _finite(value: Any) -> Any:
    """Replace infinity, as from a division by 0, and NaN with None: JSON has neither."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return "" if value is None else shown(str(value))
