"""`qhas reproducer`: the smallest part of a network that shows a change, as a zip to send to the vendor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from qhas.cli.bar import sweep_bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, cell_of, require_folders
from qhas.cli.screen import console, errors
from qhas.reproducer.reproduce import reproduce
from qhas.site import load_site
from qhas.store import Store

FOLDER = Path(".qhas-reproducer")


@command
def reproducer(
    before: Annotated[str, typer.Argument(help="A stored cell, as RUN/MODEL/SOC/VARIANT.")],
    after: Annotated[str, typer.Argument(help="A second cell of the same network, with a different time.")],
    output: Annotated[Path, typer.Option(help="The zip to write.")] = Path("reproducer.zip"),
    trials: Annotated[
        int, typer.Option(min=1, max=1000, help="Maximum number of parts to compile and compare.")
    ] = 60,
    folder: Annotated[
        Path, typer.Option(help="Cache of what was compiled, so that a repeated call compiles nothing twice.")
    ] = FOLDER,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Reduce a change between two cells to the few ops that show it; exit code 1 if only the whole network does.

    The zip contains neither the names nor the weights of the network.
    """
    lab_site = load_site(site)
    require_folders(output)
    store = Store(lab_site.store)
    old, new = (cell_of(store, address, graphs=False) for address in (before, after))
    with sweep_bar(errors if as_json else console):
        answer = reproduce(old, new, lab_site, folder=folder.resolve(), target=output, most_trials=trials)
    if as_json:
        print_json(answer.model_dump(mode="json") | {"sentence": answer.sentence, "share": answer.share})
    else:
        console.print(Text(answer.sentence), soft_wrap=True)
        console.print(Text(f"Written: {answer.file}, after {answer.trials} trials."), soft_wrap=True)
    return Exit.GOOD if answer.good else Exit.CELLS_FAILED
