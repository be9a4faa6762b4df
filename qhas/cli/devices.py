"""`qhas devices`: who uses the site's devices, and whether they are fit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.screen import console, errors
from qhas.cli.tables.rack import show_checks, show_standings
from qhas.devices.lease import default_directory
from qhas.lab.lab import open_lab
from qhas.site import Site, load_site
from qhas.upkeep.rack import Check, all_good, standings
from qhas.upkeep.rack import check as check_devices


@command
def devices(
    site: SiteOption = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Test every free device, and release it from quarantine if it is good."),
    ] = False,
    as_json: JsonOption = False,
) -> Exit:
    """Show who uses the site's devices; exit code 1 if one is quarantined or fails its check.

    Without --check no device is touched. A busy device is not a fault.
    """
    lab = load_site(site)
    rack = standings(lab, default_directory())
    checks = asyncio.run(_check_devices(lab)) if check else []
    if as_json:
        print_json(
            {
                "devices": [each.model_dump(mode="json") for each in rack],
                "checks": [each.model_dump(mode="json") for each in checks] if check else None,
            }
        )
    elif not lab.devices:
        console.print("No devices are listed in site.yaml: any SoC the SDK knows is simulated on this host.")
    elif check:
        show_checks(console, checks, datetime.now(UTC))
    else:
        show_standings(console, rack, datetime.now(UTC))
    return Exit.GOOD if all_good(checks if check else rack) else Exit.CELLS_FAILED


async def _check_devices(site: Site) -> list[Check]:
    with bar(errors) as progress:
        task = progress.add_task("checking devices", total=len(site.devices))
        async with open_lab(site) as lab:
            return await check_devices(lab, lambda _: progress.advance(task))
