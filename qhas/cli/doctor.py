"""`qhas doctor`: whether everything that a sweep needs is in place."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, command
from qhas.cli.options import SiteOption
from qhas.cli.screen import console
from qhas.site import load_site
from qhas.upkeep.doctor import examine


@command
def doctor(
    site: SiteOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every stored file as well, as `qhas verify --all` does.")
    ] = False,
) -> Exit:
    """Check SDK, store, scratch space, Prefect and devices; exit code 1 if something is wrong."""
    table = Table(show_header=False, box=None)
    good = True
    for finding in examine(load_site(site), verify=verify):
        good &= finding.good
        mark = Text("good", "green") if finding.good else Text("bad", "red")
        table.add_row(mark, finding.what, Text(finding.answer))
    console.print(table)
    return Exit.GOOD if good else Exit.CELLS_FAILED
