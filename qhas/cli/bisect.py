"""`qhas bisect`: with which SDK the time of a stored cell changed, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import JsonOption, SiteOption, cell_of
from qhas.cli.upgrade import ask
from qhas.site import load_site
from qhas.store import Store
from qhas.upgrade.question import THRESHOLD_PERCENT, Question, sdks_between


@command
def bisect(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A stored cell, as RUN/MODEL/SOC/VARIANT.")],
    before: Annotated[str, typer.Option("--from", help="An SDK with which it was good, as in 2.48.")],
    after: Annotated[str, typer.Option("--to", help="An SDK with which it is not.")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1000, help="Smallest change of time, in percent, that counts.")
    ] = THRESHOLD_PERCENT,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Find the SDK with which a stored cell became slower or faster, with the cell's own DLC and options; as upgrade, for one cell."""
    lab_site = load_site(site)
    record = cell_of(Store(lab_site.store), cell, graphs=False)
    question = Question(
        (record.cell.model,),
        (record.cell.soc,),
        sdks_between(lab_site, before, after),
        threshold,
        record.cell.prepare,
        record.cell.run,
    )
    return ask(question, lab_site, as_json)
