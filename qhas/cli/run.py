"""Commands that run cells, and show what a run gave."""

from __future__ import annotations

import asyncio
from importlib.metadata import entry_points
from pathlib import Path, PurePath
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from qhas import prefect_settings
from qhas.cell.outlook import look_ahead
from qhas.cli.compare import AgainstOption, require_other
from qhas.cli.compare import against as against_run
from qhas.cli.frame import Exit, JsonOption, SiteOption, command, console, errors, print_json
from qhas.cli.narrowing import Narrowing, narrowed
from qhas.cli.tables.diff import show_run as show_diff
from qhas.cli.tables.plan import plan_document, show_plan
from qhas.cli.tables.run import bar, device_logs, show_run, sweep_bar, trace_paths
from qhas.diff.model import Outcome, RunDiff
from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.machine.secrets import name_in
from qhas.naming import safe_name
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import ending, load_run, new_run_id, require_same_spec
from qhas.site import Site, load_site, require_devices
from qhas.site.demo import DEMO_FOLDER, NETWORKS, demo_site, demo_sweep, make_networks
from qhas.site.sdk import find_sdk
from qhas.store import Store
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.sites import SiteRef, load_sites
from qhas.sweep.spec import RANDOM_INPUTS, ModelRef, PrepareOptions, SweepSpec, load_sweep
from qhas.verdict import Verdict
from qhas.verdict.stored import read_verdicts
from qhas.verdict.summary import morning_line

RunIdOption = Annotated[
    str | None, typer.Option(help="Id of the run. An earlier run's id completes that run.")
]
ModelOption = Annotated[
    list[str] | None, typer.Option(help="Only models of this pattern, as in 'inception_*'.")
]
SocOption = Annotated[list[str] | None, typer.Option(help="Only SoCs of this pattern, as in 'sa8*'.")]
VariantOption = Annotated[list[str] | None, typer.Option(help="Only variants of this pattern.")]
TagOption = Annotated[list[str] | None, typer.Option(help="Only models with this tag; several: any of them.")]
FailedOption = Annotated[
    str | None, typer.Option("--failed", metavar="RUN", help="Only cells that are not good in that run.")
]
CanaryOption = Annotated[
    bool, typer.Option("--canary", help="One cell a SoC, of the model tagged canary or the first.")
]
SitesOption = Annotated[
    Path | None, typer.Option(help="sites.yaml: run the cells at these sites, over a Prefect server.")
]


@command
def demo(
    folder: Annotated[
        Path, typer.Option(help="Where networks, store and Prefect's database go.")
    ] = DEMO_FOLDER,
    run_id: RunIdOption = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Every network and every SoC once: 9 of 24 cells.")
    ] = False,
) -> Exit:
    """Profile six well-known networks on four simulated SoCs; no device, account or server needed."""
    prefect_settings.isolate(folder / "prefect")
    site = demo_site(folder)
    with bar(console) as progress:
        task = progress.add_task("making sample networks: seeded weights, 8 bit", total=len(NETWORKS))
        asyncio.run(make_networks(folder, lambda _name: progress.advance(task)))
    site_file = folder / "site.yaml"
    site_file.write_text(_site_yaml(site), encoding="utf-8")
    return _run_and_show(demo_sweep(folder, quick=quick), site, site_file, run_id or new_run_id("demo"))


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
    """Show cells, device-hours, what is prepared already and when it would end; nothing is run."""
    lab_site = load_site(site)
    chosen = Narrowing(model or [], soc or [], variant or [], tag or [], failed, canary)
    planned = plan_sweep(narrowed(load_sweep(sweep_file), chosen, lab_site))
    require_devices(lab_site, sorted({cell.soc for cell in planned.cells}))
    outlook = asyncio.run(look_ahead(planned, lab_site))
    if as_json:
        print_json(plan_document(planned, outlook))
    else:
        show_plan(console, planned, outlook)
    return Exit.GOOD


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
    as_json: JsonOption = False,
) -> Exit:
    """Run a sweep: models x SoCs x variants, or those cells of it that the options choose.

    With --sites the cells run at the sites, each on its own devices; this host splits, watches and writes the report.
    """
    lab_site = load_site(site)
    listed = load_sites(sites) if sites else None
    chosen = Narrowing(model or [], soc or [], variant or [], tag or [], failed, canary)
    spec = narrowed(load_sweep(sweep_file), chosen, lab_site)
    run_id = run_id or new_run_id(spec.name)
    if listed:
        return _run_at_sites(spec, listed, lab_site, site, run_id, as_json, against)
    return _run_and_show(spec, lab_site, site, run_id, as_json, against)


@command
def profile(
    dlc: str,
    soc: Annotated[list[str], typer.Option(help="SoC, as in sm8750; several times for several.")],
    inputs: Annotated[str, typer.Option(help="`random` or an input list.")] = RANDOM_INPUTS,
    optimization_level: Annotated[int | None, typer.Option(help="1, 2 or 3.")] = None,
    vtcm_mb: Annotated[int | None, typer.Option(help="VTCM in MB; 0 is the SoC's maximum.")] = None,
    hvx_threads: Annotated[int | None, typer.Option(help="HVX threads the graph may use.")] = None,
    dlbc: Annotated[bool | None, typer.Option(help="Lossless bandwidth compression.")] = None,
    site: SiteOption = None,
    run_id: RunIdOption = None,
    as_json: JsonOption = False,
) -> Exit:
    """Profile one network."""
    name = safe_name(PurePath(name_in(dlc)).stem)
    options = {
        "optimization_level": optimization_level,
        "vtcm_mb": vtcm_mb,
        "hvx_threads": hvx_threads,
        "dlbc": dlbc,
    }
    try:
        spec = SweepSpec(
            name=name,
            models=[
                ModelRef(
                    name=name,
                    dlc=_absolute(dlc),
                    inputs=inputs if inputs == RANDOM_INPUTS else _absolute(inputs),
                )
            ],
            socs=soc,
            prepare=PrepareOptions.model_validate(options),
        )
    except ValidationError as error:
        raise InvalidInput(f"These options are not valid: {describe(error)}.") from error
    return _run_and_show(spec, load_site(site), site, run_id or new_run_id(name), as_json)


@command
def show(
    run_id: str, site: SiteOption = None, against: AgainstOption = None, as_json: JsonOption = False
) -> Exit:
    """Show a stored run; exit code 1 if a cell failed, is over its budget, or became slower than in the other run."""
    store = Store(load_site(site).store)
    require_other(store, against)
    run, cells = _stored(store, run_id)
    return _show(run, cells, as_json, against_run(store, run_id, against))


def _run_and_show(
    spec: SweepSpec,
    site: Site,
    site_file: Path | None,
    run_id: str,
    as_json: bool = False,
    against: str | None = None,
) -> Exit:
    """Check everything that can be checked without running, then run the flow and show its result."""
    require_same_spec(Store(site.store), run_id, spec)
    planned = plan_sweep(spec)
    require_devices(site, sorted({cell.soc for cell in planned.cells}))
    find_sdk(site.sdk)
    _warn(planned)
    return _run_flow_and_show("sweep", spec, site, site_file, run_id, as_json, against)


def _run_at_sites(
    spec: SweepSpec,
    sites: list[SiteRef],
    site: Site,
    site_file: Path | None,
    run_id: str,
    as_json: bool,
    against: str | None,
) -> Exit:
    """As `_run_and_show`, without what each site looks up for itself: its SDK, its devices, the DLCs."""
    require_same_spec(Store(site.store), run_id, spec)
    _warn(plan_sweep(spec, look_up=False))
    return _run_flow_and_show("sweep-sites", spec, site, site_file, run_id, as_json, against, sites=sites)


def _run_flow_and_show(
    flow: str,
    spec: SweepSpec,
    site: Site,
    site_file: Path | None,
    run_id: str,
    as_json: bool,
    against: str | None,
    **more: Any,
) -> Exit:
    store = Store(site.store)
    require_other(store, against)
    store.require_writable()
    try:
        with sweep_bar(errors if as_json else console):
            _run_flow(flow, spec=spec, site=str(site_file) if site_file else None, run_id=run_id, **more)
    except KeyboardInterrupt:
        errors.print(f"qhas: stopped; --run-id {run_id} completes this run.", style="yellow", soft_wrap=True)
        raise
    with ending(run_id):
        run, cells = _stored(store, run_id)
        diff = against_run(store, run_id, against)
    code = _show(run, cells, as_json, diff)
    verdicts = read_verdicts(store, run_id)
    if not as_json:
        _show_paths(store, run, cells)
        console.print(morning_line(verdicts), soft_wrap=True, highlight=False, markup=False)
    return Exit.CELLS_FAILED if any(one.verdict is Verdict.NEW for one in verdicts) else code


def _warn(planned: Plan) -> None:
    for warning in planned.warnings:
        errors.print(f"qhas: {warning}", style="yellow", markup=False)


def _run_flow(name: str, **parameters: Any) -> None:
    """Run a flow in this process. The library does not know the flows; the installed package names them."""
    prefect_settings.quieten()
    (entry,) = entry_points(group="qhas.flows", name=name)
    entry.load()(**parameters)


def _stored(store: Store, run_id: str) -> tuple[SweepRecord, list[CellRecord]]:
    try:
        return load_run(store, run_id)
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _show(run: SweepRecord, cells: list[CellRecord], as_json: bool, diff: RunDiff | None = None) -> Exit:
    if as_json:
        document = {
            "run": run.model_dump(mode="json"),
            "cells": [cell.model_dump(mode="json") for cell in cells],
        }
        print_json(document | ({"diff": diff.model_dump(mode="json")} if diff else {}))
    else:
        show_run(console, run, cells)
        if unfinished := run.cells - len(cells):
            console.print(f"{unfinished} of {run.cells} cells are not finished.")
        if diff:
            show_diff(console, diff)
    good = sum(cell.good and not cell.over_budget for cell in cells)
    slower = diff is not None and bool(diff.of(Outcome.WORSE))
    return Exit.CELLS_FAILED if run.cells > good or slower else Exit.GOOD


def _show_paths(store: Store, run: SweepRecord, cells: list[CellRecord]) -> None:
    reused = sum(bool(cell.prepared and cell.prepared.reused) for cell in cells)
    console.print(f"{reused} of {len(cells)} prepared graphs came from the store.")
    for title, paths in (
        ("Traces, for https://ui.perfetto.dev:", list(trace_paths(store, cells))),
        ("Logs of the devices that cells failed on:", list(device_logs(store, cells))),
    ):
        for line in [title, *(f"  {path}" for path in paths)] if paths else []:
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    report = store.url(f"reports/{run.run_id}/index.html")
    console.print(f"Report: {report}", soft_wrap=True, highlight=False, markup=False)


def _absolute(address: str) -> str:
    try:
        return address if "://" in address else str(Path(address).expanduser().resolve())
    except (RuntimeError, ValueError, OSError) as error:  # no such home, a NUL, a loop of links
        raise InvalidInput(f"{address!r} cannot be a path: {error}.") from error


def _site_yaml(site: Site) -> str:
    """JSON is YAML."""
    return f"# Written by `qhas demo`, for `--site`.\n{site.model_dump_json(indent=2)}\n"
