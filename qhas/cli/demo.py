"""`qhas demo`: the whole chain on sample networks and simulated SoCs."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from qhas import prefect_settings
from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command
from qhas.cli.options import RunIdOption
from qhas.cli.running import Request, load_flow, run_and_show
from qhas.cli.screen import console
from qhas.failures import InvalidInput
from qhas.prefect_database import make_database
from qhas.runs.stored import new_run_id
from qhas.site import Site
from qhas.site.demo import DEMO_FOLDER, DLC, NETWORKS, ONNX, demo_site, demo_sweep, make_networks
from qhas.store import Store


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
    make_database(folder / "prefect")
    site = demo_site(folder)
    with bar(console) as progress, ThreadPoolExecutor(1) as beside:
        beside.submit(load_flow, "sweep")  # takes seconds, as making the networks does
        task = progress.add_task("making sample networks: ONNX, seeded weights", total=len(networks))
        files = [f"{name}{ONNX}" for name in networks]
        asyncio.run(make_networks(folder, lambda _file: progress.advance(task), files))
    site_file = folder / "site.yaml"
    site_file.write_text(_site_yaml(site), encoding="utf-8")
    spec = demo_sweep(folder, networks, quick=quick)
    request = Request(spec, site, site_file, run_id or new_run_id("demo"))
    code = run_and_show(request)
    _keep_dlcs(request, folder / "networks")
    return code


def _keep_dlcs(request: Request, networks: Path) -> None:
    """Put the DLC made from each ONNX beside it, for commands that accept only DLCs, such as `qhas upgrade`."""
    from qhas.cell.prepared import PreparedGraphs  # not needed before the tools start
    from qhas.runs.stored import load_run

    store = Store(request.site.store)
    _, cells = load_run(store, request.run_id)
    keys = {cell.cell.model.name: cell.conversion.key for cell in cells if cell.conversion}
    for name, key in keys.items():
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=networks) as scratch:
            if files := PreparedGraphs(store).fetch(key, Path(scratch)):
                Path(scratch, files[0]).rename(networks / f"{name}{DLC}")


def _chosen(networks: list[str] | None) -> list[str]:
    """Return the chosen networks in the demo's order. Raises InvalidInput if one is unknown."""
    if strange := [name for name in networks or () if name not in NETWORKS]:
        raise InvalidInput(f"The demo has no network {strange[0]}; choose from {', '.join(NETWORKS)}.")
    return [name for name in NETWORKS if name in (networks or NETWORKS)]


def _site_yaml(site: Site) -> str:
    """Return the site as JSON, which is valid YAML."""
    return f"# Written by `qhas demo`, for `--site`.\n{site.model_dump_json(indent=2)}\n"
