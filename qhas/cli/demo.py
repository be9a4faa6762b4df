"""`qhas demo`: the whole chain on sample networks and simulated SoCs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from qhas import prefect_settings
from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command
from qhas.cli.options import RunIdOption
from qhas.cli.running import Request, run_and_show
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.runs.stored import new_run_id
from qhas.site import Site
from qhas.site.demo import DEMO_FOLDER, NETWORKS, demo_site, demo_sweep, make_networks


@command
def demo(
    folder: Annotated[
        Path, typer.Option(help="Folder for networks, store and Prefect's database.")
    ] = DEMO_FOLDER,
    run_id: RunIdOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Every network and every SoC once: 9 of 24 cells.")
    ] = False,
    network: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of {', '.join(NETWORKS)}; repeat it for more.")
    ] = None,
) -> Exit:
    """Profile six well-known networks on four simulated SoCs; no device, account or server needed."""
    networks = _chosen(network)
    prefect_settings.isolate(folder / "prefect")
    site = demo_site(folder)
    with bar(console) as progress:
        task = progress.add_task("making sample networks: seeded weights, 8 bit", total=len(networks))
        asyncio.run(make_networks(folder, lambda _name: progress.advance(task), networks))
    site_file = folder / "site.yaml"
    site_file.write_text(_site_yaml(site), encoding="utf-8")
    spec = demo_sweep(folder, networks, quick=quick)
    return run_and_show(Request(spec, site, site_file, run_id or new_run_id("demo")))


def _chosen(networks: list[str] | None) -> list[str]:
    """In the order of the demo. Raises InvalidInput."""
    if strange := [name for name in networks or () if name not in NETWORKS]:
        raise InvalidInput(f"The demo has no network {strange[0]}; choose from {', '.join(NETWORKS)}.")
    return [name for name in NETWORKS if name in (networks or NETWORKS)]


def _site_yaml(site: Site) -> str:
    """JSON is YAML."""
    return f"# Written by `qhas demo`, for `--site`.\n{site.model_dump_json(indent=2)}\n"
