"""`qhas runs`: what has been run, the newest first."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, store_of
from qhas.cli.screen import console
from qhas.runs.listing import RunLine, run_lines
from qhas.runs.record import SweepState


@command
def runs(
    sweep: Annotated[
        str | None, typer.Argument(help="Only runs of sweeps whose name matches this pattern.")
    ] = None,
    state: Annotated[list[SweepState] | None, typer.Option(help="Only runs in this state.")] = None,
    last: Annotated[int, typer.Option(min=1, help="Maximum number of runs to list.")] = 20,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """List the runs of a store, the newest first."""
    store = store_of(site)
    every = run_lines(store)
    chosen = [
        line for line in every if fnmatchcase(line.sweep, sweep or "*") and (not state or line.state in state)
    ]
    if as_json:
        print_json({"runs": [_document(line) for line in chosen[:last]], "of": len(chosen)})
    elif chosen:
        console.print(_table(chosen[:last]))
        if len(chosen) > last:
            console.print(f"{len(chosen) - last} earlier ones; --last shows more.")
    else:
        which = "no run that matches" if every else "no run yet"
        console.print(f"The store {store.root} has {which}.", soft_wrap=True, markup=False)
    return Exit.GOOD


def _document(line: RunLine) -> dict[str, str | int | None]:
    return {
        "run_id": line.run_id,
        "sweep": line.sweep,
        "state": line.state,
        "started_at": line.started_at.isoformat(),
        "cells": line.cells,
        "good": line.good,
    }


def _table(lines: list[RunLine]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("run", overflow="fold")
    table.add_column("began", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("good", justify="right", no_wrap=True)
    for line in lines:
        began = line.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
        good = f"{'?' if line.good is None else line.good}/{line.cells}"
        table.add_row(Text(line.run_id), began, line.state, good)
    return table
