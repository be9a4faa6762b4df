"""`qhas openmetrics`: the lab as gauges, in a file that Prometheus's collectors read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.frame import Exit, command
from qhas.cli.options import SiteOption, require_folders
from qhas.devices.lease import default_directory
from qhas.failures import InvalidInput
from qhas.machine.packing import write_whole
from qhas.site import load_site
from qhas.store import Store
from qhas.upkeep.lab_metrics import device_families, run_families, store_families
from qhas.upkeep.openmetrics import openmetrics as text_of
from qhas.upkeep.rack import standings


@command
def openmetrics(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="File to write, as in node_exporter's textfile directory; by default it is printed."
        ),
    ] = None,
    sweep: Annotated[str, typer.Option(help="Only sweeps whose name matches this pattern.")] = "*",
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="Only runs that began within this many days.")
    ] = 30,
    store_size: Annotated[
        bool, typer.Option("--store-size", help="Also bytes and objects of the store; this lists all of it.")
    ] = False,
    site: SiteOption = None,
) -> Exit:
    """Write metrics of the lab for Prometheus: each sweep's last run, its cells, the devices (docs/operations.md)."""
    require_folders(file)
    lab = load_site(site)
    store = Store(lab.store)
    families = [
        *run_families(store, sweep, datetime.now(UTC) - timedelta(days=days)),
        *device_families(standings(lab, default_directory())),
        *(store_families(store) if store_size else ()),
    ]
    text = text_of(families)
    if file is None:
        typer.echo(text, nl=False)
        return Exit.GOOD
    try:
        write_whole(str(file), text.encode())
        file.chmod(0o644)  # the collector runs under another account
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be written ({error.strerror}); name a file in a directory of yours."
        ) from error
    return Exit.GOOD
