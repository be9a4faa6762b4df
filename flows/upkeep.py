"""What keeps a lab going: checking it before the night, pruning its store, compacting its history."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import parameters as asked
from qhas.history import compact
from qhas.site import Site, load_site
from qhas.store import Store
from qhas.units import size
from qhas.upkeep.doctor import Finding, examine
from qhas.upkeep.prune import PruningPlan, PruningPolicy, plan_pruning, prune
from tasks.artifacts import artifact_key

_ROWS = 500
"""Of the table; a first pruning of an old store has many thousands."""


@flow(name="flight-check", flow_run_name=f"flight-check of {platform.node()}", persist_result=False)
async def flight_check(site: asked.OptionalPath = asked.SITE) -> State[Any]:
    """See whether this worker's host, its SDK, its store and its devices are fit for a sweep.

    Ends as failed with one sentence if something is not; devices that work for somebody are not asked.
    """
    findings = await asyncio.to_thread(_examine, load_site(site))
    await acreate_table_artifact(
        key=artifact_key(f"flight-check-{platform.node()}"),
        table=[
            {"check": one.what, "result": "good" if one.good else "BAD", "answer": one.answer}
            for one in sorted(findings, key=lambda one: one.good)
        ],
        description=f"Flight check of {platform.node()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    bad = [one for one in findings if not one.good]
    if not bad:
        return Completed(message=f"All {len(findings)} checks are good.")
    told = f"{bad[0].what}: {bad[0].answer}"
    return Failed(message=f"{len(bad)} of {len(findings)} checks are bad. {told}")


def _examine(site: Site) -> Sequence[Finding]:
    return list(examine(site))


def _pruning_name() -> str:
    return "prune-store, dry run" if flow_run.parameters["dry_run"] else "prune-store"


@flow(name="prune-store", flow_run_name=_pruning_name, persist_result=False)
async def prune_store(
    traces: asked.Days = asked.TRACES,
    replay: asked.Days = asked.REPLAY,
    prepared: asked.Days = asked.PREPARED,
    dry_run: bool = asked.DRY_RUN,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Remove old traces, logs, schematics and unused prepared graphs; records and QHAS summaries stay for ever.

    Runs that are pinned keep everything. With `dry_run` the table only shows what would go.
    Months of the history that are over become one file each.
    """
    store = Store(load_site(site).store)
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
