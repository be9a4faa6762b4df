"""Commands that look after the lab: its devices, its tools, its store."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.frame import Exit, JsonOption, SiteOption, command, console, errors, print_json
from qhas.cli.tables.rack import show_checks, show_standings
from qhas.cli.tables.run import bar
from qhas.devices.lease import default_directory
from qhas.failures import InvalidInput
from qhas.lab.lab import open_lab
from qhas.runs.stored import read_run, run_prefix
from qhas.site import Site, load_site
from qhas.store import Store
from qhas.units import size
from qhas.upkeep.doctor import examine
from qhas.upkeep.prune import PINNED, PruningPlan, PruningPolicy, PruningResult, plan_pruning
from qhas.upkeep.prune import prune as carry_out
from qhas.upkeep.rack import Check, all_good, standings
from qhas.upkeep.rack import check as check_devices


@command
def devices(
    site: SiteOption = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Reach each free device, test it, and bring it back if it is good."),
    ] = False,
    as_json: JsonOption = False,
) -> Exit:
    """Show who uses the site's devices; exit code 1 if one is set aside or fails its check.

    Without --check no device is touched. A busy device is at work, which is no fault.
    """
    lab = load_site(site)
    found = standings(lab, default_directory())
    checks = asyncio.run(_check_devices(lab)) if check else []
    if as_json:
        print_json(
            {
                "devices": [one.model_dump(mode="json") for one in found],
                "checks": [one.model_dump(mode="json") for one in checks] if check else None,
            }
        )
    elif not lab.devices:
        console.print("No devices are listed in site.yaml: any SoC the SDK knows is simulated on this host.")
    elif check:
        show_checks(console, checks, datetime.now(UTC))
    else:
        show_standings(console, found, datetime.now(UTC))
    return Exit.GOOD if all_good(checks if check else found) else Exit.CELLS_FAILED


async def _check_devices(site: Site) -> list[Check]:
    with bar(errors) as progress:
        task = progress.add_task("checking devices", total=len(site.devices))
        async with open_lab(site) as lab:
            return await check_devices(lab, lambda _: progress.advance(task))


@command
def doctor(site: SiteOption = None) -> Exit:
    """Check SDK, store, scratch space, Prefect and devices; exit code 1 if something is wrong."""
    table = Table(show_header=False, box=None)
    good = True
    for finding in examine(load_site(site)):
        good &= finding.good
        mark = Text("good", "green") if finding.good else Text("bad", "red")
        table.add_row(mark, finding.what, Text(finding.answer))
    console.print(table)
    return Exit.GOOD if good else Exit.CELLS_FAILED


@command
def prune(
    site: SiteOption = None,
    traces: Annotated[int, typer.Option(help="Days that traces are kept.")] = 90,
    replay: Annotated[int, typer.Option(help="Days that logs and schematics are kept.")] = 30,
    prepared: Annotated[int, typer.Option(help="Days without use that prepared graphs are kept.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; else only what would go is shown.")] = False,
    as_json: JsonOption = False,
) -> Exit:
    """Remove old traces, logs, schematics and unused prepared graphs; records and QHAS summaries stay for ever.

    Runs that are pinned keep everything (`qhas pin`). Exit code 1 if something could not be removed.
    """
    store = Store(load_site(site).store)
    policy = PruningPolicy(timedelta(days=traces), timedelta(days=replay), timedelta(days=prepared))
    planned = plan_pruning(store, policy, datetime.now(UTC))
    result = _carry_out(store, planned) if yes else None
    if as_json:
        items = [{**asdict(item), "reason": item.reason} for item in planned.items]
        failures = list(result.failures) if result else None
        print_json({"items": items, "bytes": planned.size, "removed": bool(result), "failures": failures})
    else:
        _show_pruning(planned, result)
    return Exit.CELLS_FAILED if result and result.failures else Exit.GOOD


def _carry_out(store: Store, planned: PruningPlan) -> PruningResult:
    with bar(errors) as progress:
        task = progress.add_task("removing", total=len(planned.items))
        return carry_out(store, planned, lambda _: progress.advance(task))


def _show_pruning(planned: PruningPlan, result: PruningResult | None) -> None:
    table = Table(header_style="bold", box=None)
    for name in ("what", "why", "objects", "size"):
        table.add_column(name, justify="right" if name in ("objects", "size") else "left")
    for item in planned.items:
        table.add_row(Text(item.prefix), item.reason, str(len(item.keys)), size(item.size))
    if planned.items:
        console.print(table)
    if result is None:
        console.print(f"{size(planned.size)} would go. Run again with --yes to remove it.", highlight=False)
        return
    console.print(
        f"{size(result.size)} removed; {len(result.changed)} had changed and stay.", highlight=False
    )
    for failure in result.failures:
        errors.print(failure, style="red", markup=False, soft_wrap=True)


@command
def pin(
    run_id: str,
    site: SiteOption = None,
    off: Annotated[bool, typer.Option("--off", help="Take the pin away.")] = False,
) -> Exit:
    """Keep every file of a run, whatever its age."""
    store = Store(load_site(site).store)
    key = f"{run_prefix(run_id)}/{PINNED}"
    if read_run(store, run_id) is None:
        raise InvalidInput(f"The store {store.root} holds no run {run_id}.")
    if off:
        store.remove([key])
    else:
        store.write(key, datetime.now(UTC).isoformat().encode())
    return Exit.GOOD
