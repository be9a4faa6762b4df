"""`qhas open`: a run's report in the browser, its traces in Perfetto."""

from __future__ import annotations

import threading
import webbrowser
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import RunArgument, SiteOption, run_of, store_of
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.report.serving import PERFETTO_PORT, Served, serving
from qhas.runs import LATEST, keys
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.stored import load_run

_MOST_TRACES = 4
"""Maximum number of traces whose addresses are printed: each takes four lines at 80 columns."""


@command
def open(  # noqa: A001  # the word that a user types
    run_id: RunArgument = LATEST,
    browser: Annotated[bool, typer.Option(help="Open the report in the browser.")] = True,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Perfetto's page accepts traces only from the default port.")
    ] = PERFETTO_PORT,
    site: SiteOption = None,
) -> Exit:
    """Serve a run's report and traces on this machine until Ctrl-C, and open them."""
    store = store_of(site)
    run, cells = load_run(store, run_of(store, run_id))
    if not store.exists(report := keys.report(run.run_id)):
        raise InvalidInput(f"Run {run.run_id} has no report yet; `qhas report {run.run_id}` writes it.")
    with serving(store, port) as served:
        for line in addresses(served, report, by_graph(cells)):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        console.print(
            "Anyone with such an address can read the store while this runs; stop it with Ctrl-C.",
            soft_wrap=True,
        )
        if browser:
            webbrowser.open(served.url(report))
        threading.Event().wait()
    return Exit.GOOD


def addresses(served: Served, report: str, cells: list[CellRecord]) -> list[str]:
    """Return lines for a terminal, the report's last; more than a few traces are left to be opened from its pages."""
    traces = {
        cell.cell.label: keys.file(cell, trace) for cell in cells if (trace := cell.artifact("chrometrace"))
    }
    lines = [f"{label}: {served.perfetto(key) or served.url(key)}" for label, key in traces.items()]
    if len(lines) > _MOST_TRACES:
        lines = [f"{len(lines)} traces: each cell's page opens its own in Perfetto."]
    return [*lines, f"Report: {served.url(report)}"]
