"""`qhas pin`: exempt a run from pruning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import RunArgument, SiteOption, run_of, store_of
from qhas.cli.screen import console
from qhas.runs import keys


@command
def pin(
    run_id: RunArgument,
    site: SiteOption = None,
    off: Annotated[bool, typer.Option("--off", help="Remove the pin.")] = False,
) -> Exit:
    """Keep every file of a run, whatever its age."""
    store = store_of(site)
    run_id = run_of(store, run_id)
    if off:
        store.remove([keys.pin(run_id)])
        console.print(f"Run {run_id} is pruned like any other.", soft_wrap=True)
    else:
        store.write(keys.pin(run_id), datetime.now(UTC).isoformat().encode())
        console.print(f"Run {run_id} keeps every file, whatever its age.", soft_wrap=True)
    return Exit.GOOD
