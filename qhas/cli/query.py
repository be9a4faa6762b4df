"""`qhas query`: a question in SQL over everything stored."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.csv_rows import write_table
from qhas.cli.frame import Exit, command
from qhas.cli.history import tell_damage
from qhas.cli.options import SiteOption, store_of
from qhas.cli.screen import console, errors
from qhas.failures import InvalidInput
from qhas.outside_text import shown

if TYPE_CHECKING:
    import pyarrow as pa


@command
def query(
    question: Annotated[
        str, typer.Argument(metavar="SQL", help="A SELECT over the views cells, ops, runs and verdicts.")
    ],
    rows: Annotated[int, typer.Option(min=1, help="Most rows that are shown as a table.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every row as one JSON document.")] = False,
    site: SiteOption = None,
) -> Exit:
    """Ask the history, the runs and their verdicts a question in SQL; nothing is changed."""
    if as_csv and as_json:
        raise InvalidInput("Choose one of --csv and --json.")
    from qhas.query import ask  # Arrow is half a second, which the other commands need not pay

    answer = ask(store_of(site), question, tell_damage)
    if as_csv:
        write_table(answer)
    elif as_json:
        documents = [{name: _finite(value) for name, value in row.items()} for row in answer.to_pylist()]
        sys.stdout.write(json.dumps({"rows": documents}, indent=2, default=str) + "\n")
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
    for row in answer.slice(0, rows).to_pylist():
        table.add_row(*(Text(_text(value)) for value in row.values()))
    console.print(table)
    if answer.num_rows > rows:
        errors.print(
            f"qhas: {answer.num_rows - rows} more rows; --rows, --csv or --json shows them.", style="dim"
        )


def _finite(value: Any) -> Any:
    """JSON has no infinity, which a division by 0 is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return "" if value is None else shown(str(value))
