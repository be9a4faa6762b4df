"""What keeps a lab going: pruning its store and compacting its history."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed
from pydantic import Field

from qhas.history import compact
from qhas.prune import PruningPlan, PruningPolicy, plan_pruning, prune
from qhas.rows import size
from qhas.site import load_site
from qhas.store import Store

Days = Annotated[int, Field(ge=1, le=3650)]
_ROWS = 500
"""Of the table; a first pruning of an old store has many thousands."""


@flow(name="prune-store", persist_result=False)
async def prune_store(
    traces: Days = 90, replay: Days = 30, prepared: Days = 30, dry_run: bool = False, site: str | None = None
) -> State[Any]:
    """Remove old traces, logs, schematics and unused prepared graphs; records and QHAS summaries stay for ever.

    `traces` and `replay` are days since the run, `prepared` days since the last use. Runs that are pinned keep
    everything. With `dry_run` the table only shows what would go. Months of the history that are over become one file
    each. `site` is the path of a site.yaml on the worker.
    """
    store = Store(load_site(Path(site) if site else None).store)
    policy = PruningPolicy(timedelta(days=traces), timedelta(days=replay), timedelta(days=prepared))
    plan = await asyncio.to_thread(plan_pruning, store, policy, datetime.now(UTC))
    await _show(plan)
    if dry_run:
        return Completed(message=f"{size(plan.size)} in {len(plan.items)} places would go.")
    result = await asyncio.to_thread(prune, store, plan)
    for failure in result.failures:
        get_run_logger().error(failure)
    months = (await asyncio.to_thread(compact, store, datetime.now(UTC))).months
    message = (
        f"{size(result.size)} removed, {len(result.failures)} places failed, "
        f"{len(months)} months of the history compacted."
    )
    return Failed(message=message) if result.failures else Completed(message=message)


async def _show(plan: PruningPlan) -> None:
    rows = [
        {"what": item.prefix, "why": str(item.reason), "objects": len(item.keys), "size": size(item.size)}
        for item in plan.items[:_ROWS]
    ]
    await acreate_table_artifact(
        key="pruning", table=rows, description=f"What may go: {size(plan.size)} in {len(plan.items)} places"
    )
