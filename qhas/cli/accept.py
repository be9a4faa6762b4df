"""`qhas accept`: accept a cell's level as intended from now on."""

from __future__ import annotations

from typing import Annotated

import typer

from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, cell_of, store_of
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.runs.accepted import read_acceptances
from qhas.store import Store


@command
def accept(
    cell: Annotated[
        str | None, typer.Argument(metavar="CELL", help="A stored cell, as RUN/MODEL/SOC/VARIANT.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why this level is intended; shown with every verdict.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who accepts it; by default the user of this host.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo what was accepted for this cell.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Only list what was accepted and what was undone.")
    ] = False,
    site: SiteOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Make a cell's level in a run the new baseline for verdicts and budgets, recording who accepts it and why."""
    store = store_of(site)
    if listed:
        if cell or reason or undo:
            raise InvalidInput(
                "--list accepts no cell, --reason or --undo; it lists the acceptances of every sweep."
            )
        return _list(store, as_json)
    if cell is None:
        raise InvalidInput("Name a cell as RUN/MODEL/SOC/VARIANT, or give --list.")
    if undo == (reason is not None):
        raise InvalidInput("Give --reason to accept a level, or --undo to take it back.")
    # Arrow takes half a second to import, and a refusal does not need it.
    from qhas.upkeep.accept import accept as accept_level
    from qhas.upkeep.accept import current_user, take_back

    record = cell_of(store, cell)
    who = by or current_user()
    acceptance = take_back(store, record, who) if undo else accept_level(store, record, who, reason or "")
    if as_json:
        print_json(acceptance.model_dump(mode="json"))
    else:
        console.print(acceptance.full_sentence, markup=False, highlight=False, soft_wrap=True)
    return Exit.GOOD


def _list(store: Store, as_json: bool) -> Exit:
    every = read_acceptances(store)
    if as_json:
        print_json({"accepted": [acceptance.model_dump(mode="json") for acceptance in every]})
    for acceptance in [] if as_json else every:
        console.print(acceptance.full_sentence, markup=False, highlight=False, soft_wrap=True)
    if not every and not as_json:
        console.print("Nothing was accepted.")
    return Exit.GOOD
