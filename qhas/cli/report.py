"""`qhas report`: rebuild the pages of a stored run."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command
from qhas.cli.options import RunArgument, SiteOption, run_of, store_of
from qhas.cli.screen import console, errors
from qhas.runs import keys
from qhas.runs.record import by_graph
from qhas.runs.stored import load_run


@command
def report(
    run_id: RunArgument,
    site: SiteOption = None,
    links: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=168,
            metavar="HOURS",
            help="Print links to the traces that open without credentials for this many hours.",
        ),
    ] = None,
) -> Exit:
    """Rebuild the report of a stored run and its entry in the index; needs no device and no SDK."""
    from qhas.report.publish import (
        publish_report,  # Arrow, Plotly and Jinja take seconds to import; other commands do not need them
    )

    store = store_of(site)
    run, cells = load_run(store, run_of(store, run_id))
    with bar(errors) as progress:
        task = progress.add_task("pages", total=len(by_graph(cells)))
        address = publish_report(store, run, cells, made=lambda _: progress.advance(task))
    console.print(f"Report: {address}", soft_wrap=True, highlight=False, markup=False)
    for cell in by_graph(cells) if links else ():
        if trace := cell.artifact("chrometrace"):
            key = keys.file(cell, trace)
            signed = store.link(key, timedelta(hours=links or 0))
            console.print(
                f"{cell.cell.label}: {signed or store.url(key)}",
                soft_wrap=True,
                highlight=False,
                markup=False,
            )
    return Exit.GOOD
