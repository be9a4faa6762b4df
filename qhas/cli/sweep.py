"""`qhas sweep`: run a sweep, here or at several sites."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qhas.cli.against import AgainstOption
from qhas.cli.frame import Exit, command
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
from qhas.cli.options import JsonOption, RunIdOption, SiteOption
from qhas.cli.running import Request, run_and_show, run_at_sites_and_show
from qhas.runs.stored import new_run_id
from qhas.site import load_site
from qhas.sweep.sites import load_sites
from qhas.sweep.spec import OnUpgrade, load_sweep

SitesOption = Annotated[
    Path | None, typer.Option(help="sites.yaml: run the cells at these sites, through a Prefect server.")
]
OnUpgradeOption = Annotated[
    OnUpgrade | None,
    typer.Option(
        "--on-upgrade",
        help="What to do if cells are slower than with the previous SDK, overriding the sweep's `on_upgrade`: a table, "
        "events too, or exit code 1 too.",
    ),
]


@command
def sweep(
    sweep_file: Path,
    site: SiteOption = None,
    run_id: RunIdOption = None,
    model: ModelOption = None,
    soc: SocOption = None,
    variant: VariantOption = None,
    tag: TagOption = None,
    failed: FailedOption = None,
    canary: CanaryOption = False,
    sites: SitesOption = None,
    against: AgainstOption = None,
    on_upgrade: OnUpgradeOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Run a sweep (models x SoCs x variants), or only the cells that the options select.

    With --sites the cells run at the sites, each on its own devices; this host splits the work, follows it and writes the report.
    """
    lab_site = load_site(site)
    listed = load_sites(sites) if sites else None
    chosen = Narrowing(model or [], soc or [], variant or [], tag or [], failed, canary)
    spec = narrowed(load_sweep(sweep_file), chosen, lab_site)
    if on_upgrade:
        spec = spec.model_copy(update={"on_upgrade": on_upgrade})
    request = Request(spec, lab_site, site, run_id or new_run_id(spec.name), as_json, against)
    return run_at_sites_and_show(request, listed) if listed else run_and_show(request)
