"""`qhas prune`: remove what is old enough."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from qhas.cli.bar import bar
from qhas.cli.frame import Exit, command, print_json
from qhas.cli.options import JsonOption, SiteOption, store_of
from qhas.cli.screen import console, errors
from qhas.failures import InvalidInput
from qhas.store import Store
from qhas.units import size
from qhas.upkeep.linked import linked_cells
from qhas.upkeep.prune import (
    PREPARED_DAYS,
    REPLAY_DAYS,
    TRACES_DAYS,
    PruningPlan,
    PruningPolicy,
    PruningResult,
    plan_pruning,
)
from qhas.upkeep.prune import prune as carry_out

_MOST_DAYS = 36_500


@command
def prune(
    site: SiteOption = None,
    traces: Annotated[int, typer.Option(help="Days to keep traces.")] = TRACES_DAYS,
    replay: Annotated[int, typer.Option(help="Days to keep logs and schematics.")] = REPLAY_DAYS,
    prepared: Annotated[int, typer.Option(help="Days to keep unused prepared graphs.")] = PREPARED_DAYS,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove; by default only show what would be removed.")
    ] = False,
    as_json: JsonOption = False,
) -> Exit:
    """Remove old traces, logs, schematics and unused prepared graphs; records and QHAS summaries are kept forever.

    Pinned runs keep everything (`qhas pin`). Exit code 1 if something could not be removed.
    """
    for option, days in (("--traces", traces), ("--replay", replay), ("--prepared", prepared)):
        if not 0 <= days <= _MOST_DAYS:
            raise InvalidInput(f"{option} {days}: give days to keep, from 0 to {_MOST_DAYS}.")
    store = store_of(site)
    policy = PruningPolicy(timedelta(days=traces), timedelta(days=replay), timedelta(days=prepared))
    planned = plan_pruning(store, policy, datetime.now(UTC), linked_cells(store))
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
    if result is None and not planned.items:
        console.print("Nothing is old enough to be removed.")
        return
    if result is None:
        console.print(
            f"{size(planned.size)} would be removed; run again with --yes to remove it.", highlight=False
        )
        return
    console.print(
        f"{size(result.size)} removed; {len(result.changed)} had changed and were kept.", highlight=False
    )
    for failure in result.failures:
        errors.print(failure, style="red", markup=False, soft_wrap=True)
