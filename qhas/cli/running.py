"""What `demo`, `sweep` and `profile` share: refuse bad input beforehand, run the flow, show its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas import prefect_settings
from qhas.cli.against import against_run, require_other
from qhas.cli.bar import sweep_bar
from qhas.cli.frame import Exit
from qhas.cli.screen import console, errors
from qhas.machine.proxies import exempt_loopback
from qhas.prefect_profile import HOW_TO_RECORD, has_api
from qhas.runs import keys
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import ending, load_run, require_same_spec
from qhas.site import Site, require_cells
from qhas.site.fit import sdks_of
from qhas.site.sdk import Sdk
from qhas.store import Store
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.spec import SweepSpec
from qhas.units import counted

if TYPE_CHECKING:
    from qhas.sweep.sites import SiteRef

_SHOWING = ("qhas.cli.show", "qhas.verdict.alarms", "qhas.verdict.summary")
"""Modules that show a result; they are not needed before the tools start."""


@dataclass(frozen=True)
class Request:
    """A run that the user requests, and how to show it."""

    spec: SweepSpec
    site: Site
    site_file: Path | None
    run_id: str
    as_json: bool = False
    against: str | None = None


def run_and_show(request: Request, *, direct: bool = False) -> Exit:
    """Run the sweep on this site's devices; if `direct` and no API is configured, without Prefect.

    Raises InvalidInput before anything runs.
    """
    store = _opened(request)
    planned = plan_sweep(request.spec)
    require_cells(request.site, planned.cells)
    if len(request.spec.models) == 1:
        from qhas.cell.data import require_data

        require_data(request.spec.models[0])
    if direct := direct and not has_api():
        import_module("qhas.direct")  # while the host SDK may still be locating its directory
    sdks = sdks_of(request.site, planned.cells)
    if direct:
        run_cells = partial(_run_direct, request, planned, sdks)
        return _run_and_show(store, request, planned, run_cells, first="starting")
    return _run_and_show(store, request, planned, partial(run_flow, "sweep", **_parameters(request)))


def run_at_sites_and_show(request: Request, sites: Sequence[SiteRef]) -> Exit:
    """Run the sweep at these sites; each looks up its own SDK, devices and DLCs, which are not checked here."""
    store = _opened(request)
    planned = plan_sweep(request.spec, look_up=False)
    flow = partial(run_flow, "sweep-sites", **_parameters(request), sites=sites)
    return _run_and_show(store, request, planned, flow)


def _parameters(request: Request) -> dict[str, Any]:
    site_file = str(request.site_file) if request.site_file else None
    return {"spec": request.spec, "site": site_file, "run_id": request.run_id}


def _run_direct(request: Request, planned: Plan, sdks: Mapping[str | None, Sdk]) -> None:
    from qhas.direct import run_direct

    errors.print(f"qhas: {HOW_TO_RECORD}", style="dim", soft_wrap=True)
    run_direct(planned, request.site, request.run_id, sdks, _SHOWING)


def _opened(request: Request) -> Store:
    """Return the store, checked to have no other spec under this run id and to have the run to compare with.

    Nothing is written yet. Raises InvalidInput.
    """
    store = Store(request.site.store)
    require_same_spec(store, request.run_id, request.spec)
    require_other(store, request.against)
    return store


def _run_and_show(
    store: Store,
    request: Request,
    planned: Plan,
    run_cells: Callable[[], None],
    first: str = "starting Prefect",
) -> Exit:
    for warning in planned.warnings:
        errors.print(f"qhas: {warning}", style="yellow")
    store.require_writable()  # last, after the checks that leave nothing behind
    began = datetime.now(UTC)
    try:
        with sweep_bar(errors if request.as_json else console, first):
            run_cells()
    except KeyboardInterrupt:
        sentence = f"qhas: stopped; --run-id {request.run_id} completes this run."
        errors.print(sentence, style="yellow", soft_wrap=True)
        raise
    from qhas.cli.show import show_result
    from qhas.verdict.alarms import fails
    from qhas.verdict.stored import read_verdicts
    from qhas.verdict.summary import morning_line

    with ending(request.run_id):
        run, cells = load_run(store, request.run_id)
        diff = against_run(store, request.run_id, request.against)
        verdicts = read_verdicts(store, request.run_id)
    if not request.as_json:
        _show_paths(store, cells)
    code = show_result(run, cells, request.as_json, diff)
    if not request.as_json:
        _show_ending(store, run, cells, began)
        if changes := morning_line(verdicts):
            console.print(changes, soft_wrap=True, highlight=False)
    return Exit.CELLS_FAILED if fails(verdicts, run.spec.on_upgrade) else code


def run_flow(name: str, **parameters: Any) -> None:
    """Run a flow in this process. The library does not know the flows; the installed package's entry points do."""
    load_flow(name)(**parameters)


def load_flow(name: str) -> Callable[..., None]:
    """Import Prefect and return the flow as a function; if no API is configured, our own server starts meanwhile."""
    from importlib.metadata import entry_points

    from qhas.own_server import own_server

    prefect_settings.quieten()
    exempt_loopback()
    if not has_api():
        own_server()
    (entry,) = entry_points(group="qhas.flows", name=name)
    flow: Callable[..., None] = entry.load()
    return flow


def _show_paths(store: Store, cells: list[CellRecord]) -> None:
    """Print the paths before the table: there may be hundreds, and the table is what the user came for."""
    from qhas.cli.tables.run import device_logs, trace_paths

    for title, paths in (
        ("Traces, for https://ui.perfetto.dev:", list(trace_paths(store, cells))),
        ("Logs of the devices that cells failed on:", list(device_logs(store, cells))),
    ):
        for line in [title, *(f"  {path}" for path in paths)] if paths else []:
            console.print(line, soft_wrap=True, highlight=False)


def _show_ending(store: Store, run: SweepRecord, cells: list[CellRecord], began: datetime) -> None:
    """Say what was already there, and where to look next."""
    if earlier := sum(cell.finished_at < began for cell in cells):
        console.print(
            f"{earlier} of {counted(len(cells), 'cell')} {'was' if earlier == 1 else 'were'} already good; {len(cells) - earlier} ran now."
        )
    reused = sum(bool(cell.prepared and cell.prepared.reused) for cell in cells)
    outputs = sum(cell.outputs_reused for cell in cells)
    emulated = f"; the outputs of {counted(outputs, 'cell')} had been computed before" if outputs else ""
    console.print(f"{reused} of {counted(len(cells), 'prepared graph')} came from the store{emulated}.")
    report = store.url(keys.report(run.run_id))
    address = report if "://" in report else Path(report).absolute().as_uri()
    console.print(f"Report: {address}", soft_wrap=True, highlight=False)
