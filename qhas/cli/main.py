"""The `qhas` command: a thin face over the same functions and flows that schedules and the Prefect UI use.

Exit codes: 0 all cells good; 1 finished, some cells failed, over budget or newly worse; 2 bad input, nothing run;
130 cancelled.
"""

from __future__ import annotations

from typing import Annotated

import typer

import qhas
from qhas.cli.frame import Exit, app, console


def main() -> None:
    """Run the command."""
    app(prog_name="qhas")


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        console.print(qhas.__version__)
        raise typer.Exit(Exit.GOOD)
