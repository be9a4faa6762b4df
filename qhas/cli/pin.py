"""`qhas pin`: a run that pruning leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import SiteOption, store_of
from qhas.failures import InvalidInput
from qhas.runs import keys
from qhas.runs.stored import read_run


@command
def pin(
    run_id: str,
    site: SiteOption = None,
    off: Annotated[bool, typer.Option("--off", help="Remove the pin.")] = False,
) -> Exit:
    """Keep every file of a run, whatever its age."""
    store = store_of(site)
    key = keys.pin(run_id)
    if read_run(store, run_id) is None:
        raise InvalidInput(f"The store {store.root} has no run {run_id}.")
    if off:
        store.remove([key])
    else:
        store.write(key, datetime.now(UTC).isoformat().encode())
    return Exit.GOOD
