"""`qhas upgrade`: what another SDK does to networks, why, and what restores the old figure."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.bar import sweep_bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.profile import absolute
from qhas.cli.screen import console, errors
from qhas.direct import run_direct
from qhas.site import Site, load_site, require_devices
from qhas.site.fit import sdks_of
from qhas.store import Store
from qhas.sweep.plan import plan_sweep
from qhas.units import counted, signed_percent
from qhas.upgrade.model import Upgrade
from qhas.upgrade.page import keep, values, way_back
from qhas.upgrade.question import THRESHOLD_PERCENT, Question, question_of
from qhas.upgrade.search import Stages, search


@command
def upgrade(
    models: Annotated[
        list[str], typer.Argument(help="DLCs, or config.json of language models, as paths or URLs.")
    ],
    before: Annotated[str, typer.Option("--from", help="Current SDK, by its name in the site, as in 2.48.")],
    after: Annotated[str, typer.Option("--to", help="SDK to move to.")],
    soc: Annotated[list[str], typer.Option(help="SoC, e.g. sa8255; repeat it for more.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    every: Annotated[
        bool, typer.Option(help="Run every SDK in between, even where nothing changed, for a full table.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Show what another SDK does to networks; exit code 1 if a cell is slower.

    For each change it shows the first version that has it, the cause, and the option that restores the old figure.
    Without `sdks` in site.yaml, it compares versions of the host SDK. A repeated call runs only what is missing.
    """
    lab_site = load_site(site)
    dlcs = [absolute(dlc) for dlc in models]
    question = question_of(dlcs, soc, before, after, lab_site, threshold, every=every)
    return ask(question, lab_site, as_json)


def ask(question: Question, lab_site: Site, as_json: bool) -> Exit:
    """Run what the question needs, store the answer and show it. Raises InvalidInput before anything runs."""
    first = plan_sweep(question.sweep((question.sdks[0], question.sdks[-1])))
    require_devices(lab_site, list(question.socs))
    sdks_of(lab_site, first.cells)
    return answered(search(question, Store(lab_site.store)), lab_site, as_json)


def answered(stages: Stages, lab_site: Site, as_json: bool) -> Exit:
    """Run the sweeps of a search, store its answer and show it."""
    store = Store(lab_site.store)
    store.require_writable()
    try:
        while True:
            stage = next(stages)
            with sweep_bar(errors if as_json else console):
                run_direct(stage.spec, lab_site, stage.run_id)
    except StopIteration as ended:
        answer: Upgrade = ended.value
    address = keep(store, answer)
    if as_json:
        print_json(answer.model_dump(mode="json"))
    else:
        _show(answer)
        console.print(f"Page: {address}", soft_wrap=True, highlight=False)
    return Exit.GOOD if answer.good else Exit.CELLS_FAILED


def _show(answer: Upgrade) -> None:
    console.print(Text(answer.sentence), soft_wrap=True)
    table = Table("cell", "before", "after", "change", "first with", "cause", box=None)
    for cell in answer.cells:
        old, new = values(cell.time).split(" | ")
        change = signed_percent(cell.time.percent)
        steps = [(step.after, step.why) for step in cell.steps] or [("", "")]
        for number, (first, why) in enumerate(steps):
            row = (cell.cell, old, new, change) if number == 0 else ("", "", "", "")
            table.add_row(*(Text(part) for part in (*row, first, why)))
    console.print(table)
    for cell in answer.cells:
        for step in cell.steps:
            if step.way_back:
                console.print(Text(f"{cell.cell}: {way_back(step, step.way_back)}"), soft_wrap=True)
    for failed in answer.failed:
        console.print(Text(f"not compared: {failed.cell}: {failed.why}.", "yellow"), soft_wrap=True)
    console.print(
        f"Compiled: {counted(answer.compiled, 'graph')}, in {counted(len(answer.runs), 'run')}.",
        highlight=False,
    )
