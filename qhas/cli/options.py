"""Options that several commands share, and functions that open what they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qhas.failures import InvalidInput
from qhas.runs import LATEST
from qhas.site import SITE_VARIABLE, load_site
from qhas.store import Store
from qhas.store.patience import Patience

if TYPE_CHECKING:
    from qhas.runs.record import CellRecord

SiteOption = Annotated[
    Path | None, typer.Option("--site", help=f"site.yaml; else {SITE_VARIABLE}, else the defaults.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help=f"Id of a run, the beginning of one, or `{LATEST}`.")
]
RunIdOption = Annotated[str | None, typer.Option(help="Id of the run; the id of an earlier run resumes it.")]
_AT_A_TERMINAL = Patience(total=5.0)
"""A user at a terminal gets an answer soon; a run retries for minutes."""


def require_folders(*files: Path | None) -> None:
    """Raise InvalidInput for a file that cannot be written, before anything is computed for it."""
    for file in files:
        if file and not file.absolute().parent.is_dir():
            raise InvalidInput(f"{file} cannot be written: there is no folder {file.parent}.")
        if file and file.is_dir():
            raise InvalidInput(f"{file} cannot be written: it is a folder; name a file.")
        if file and not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
            raise InvalidInput(f"{file} cannot be written: you have no permission to write there.")


def require_folder(folder: Path) -> None:
    """Raise InvalidInput for a folder that cannot be made or filled, before anything is computed for it."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise InvalidInput(f"{folder} cannot be a folder: {there} is a file; name another.")
    if not os.access(there, os.W_OK):
        raise InvalidInput(f"{folder} cannot be used: you have no permission to write to {there}.")


def store_of(site: Path | None) -> Store:
    """Return the store of the named site, or of the default one. Raises InvalidInput."""
    return Store(load_site(site).store, _AT_A_TERMINAL)


def run_of(store: Store, name: str) -> str:
    """Return the id of the run that a user names.

    Raises InvalidInput if there is none, with a pointer to the demo's store if there is one in the current folder.
    """
    from qhas.runs.listing import find_run  # imports records of runs, which some commands do without

    try:
        return find_run(store, name)
    except InvalidInput as error:
        from qhas.site.demo import DEMO_FOLDER

        site = DEMO_FOLDER / "site.yaml"
        if not site.is_file() or store.root == load_site(site).store:
            raise
        raise InvalidInput(f"{error} The demo's runs are in another store: add --site {site}.") from error


def cell_of(store: Store, address: str, *, graphs: bool = True) -> CellRecord:
    """Return the finished cell that a user names as RUN/MODEL/SOC/VARIANT. Raises InvalidInput.

    With `graphs`, each graph of a DLC that has several counts as a cell.
    """
    from qhas.runs.listing import find_cell
    from qhas.runs.record import by_graph
    from qhas.runs.stored import load_run

    name, _, key = address.partition("/")
    if not key:
        raise InvalidInput(f"{address} is a whole run; give one cell as RUN/MODEL/SOC/VARIANT.")
    run, records = load_run(store, run_of(store, name))
    return find_cell(by_graph(records) if graphs else records, run.run_id, key)
