"""`qhas plan`: what a sweep would run, and how long it would take."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qhas.cell.outlook import look_ahead
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.narrowing import (
    CanaryOption,
    FailedOption,
    ModelOption,
    Narrowing,
    SocOption,
    TagOption,
    VariantOption,
    narrowed,
)
from qhas.cli.options import JsonOption, SiteOption
from qhas.cli.screen import console
from qhas.cli.tables.plan import plan_document, show_plan
from qhas.site import Transport, load_site, require_cells
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import load_sweep
from qhas.truth.calibration import basis_of


@command
def plan(
    sweep_file: Path,
    site: SiteOption = None,
    model: ModelOption = None,
    soc: SocOption = None,
    variant: VariantOption = None,
    tag: TagOption = None,
    failed: FailedOption = None,
    canary: CanaryOption = False,
    as_json: JsonOption = False,
) -> Exit:
    """Show a sweep's cells, device-hours, already prepared graphs and expected end; nothing is run."""
    lab_site = load_site(site)
    chosen = Narrowing(model or [], soc or [], variant or [], tag or [], failed, canary)
    planned = plan_sweep(narrowed(load_sweep(sweep_file), chosen, lab_site))
    require_cells(lab_site, planned.cells)
    real = {device.soc for device in lab_site.devices if device.transport is not Transport.HOST}
    simulated = {
        name: basis_of(name) for name in dict.fromkeys(cell.soc for cell in planned.cells) if name not in real
    }
    outlook = asyncio.run(look_ahead(planned, lab_site))
    if as_json:
        print_json(plan_document(planned, outlook) | {"expected_from": simulated})
    else:
        show_plan(console, planned, outlook)
        for name, basis in simulated.items():
            console.print(f"{name} is simulated: {basis}.", style="dim", markup=False, soft_wrap=True)
    return Exit.GOOD
