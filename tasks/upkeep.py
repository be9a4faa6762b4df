"""The upkeep of a lab as tasks, and its tables in the Prefect UI."""

from __future__ import annotations

import asyncio
import platform
from datetime import UTC, datetime

from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from qhas.history import Compaction, compact
from qhas.outside_text import shown
from qhas.site import Site
from qhas.store import Store
from qhas.units import size
from qhas.upkeep import prune as pruning
from qhas.upkeep.doctor import Finding
from qhas.upkeep.doctor import examine as findings_of
from qhas.upkeep.linked import linked_cells
from qhas.upkeep.prune import PruningPlan, PruningPolicy, PruningResult
from qhas.upkeep.verify import Checked, all_damages, extent, run_ids, verify_runs
from tasks.artifacts import artifact_key
from tasks.policy import step

_ROWS = 500
"""The most rows of a table; a first pruning of an old store has many thousands."""


@step("examine")
async def examine(site: Site) -> list[Finding]:
    """Check this worker's host, its SDK, its store and its devices, and show the findings."""
    findings = await asyncio.to_thread(lambda: list(findings_of(site)))
    await acreate_table_artifact(
        key=artifact_key(f"flight-check-{platform.node()}"),
        table=[
            {"check": finding.what, "result": "good" if finding.good else "BAD", "answer": finding.answer}
            for finding in sorted(findings, key=lambda finding: finding.good)
        ],
        description=f"Flight check of {platform.node()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    return findings


@step("plan-pruning")
async def plan_pruning(store: Store, policy: PruningPolicy) -> PruningPlan:
    """Find what may be removed, and show it. Anything that verdicts link to stays."""
    linked = await asyncio.to_thread(linked_cells, store)
    plan = await asyncio.to_thread(pruning.plan_pruning, store, policy, datetime.now(UTC), linked)
    rows = [
        {"what": item.prefix, "why": str(item.reason), "objects": len(item.keys), "size": size(item.size)}
        for item in plan.items[:_ROWS]
    ]
    await acreate_table_artifact(
        key="pruning", table=rows, description=f"Removable: {size(plan.size)} in {len(plan.items)} places"
    )
    return plan


@step("prune")
async def prune(store: Store, plan: PruningPlan) -> PruningResult:
    """Carry out a plan; failures are logged, place by place."""
    result = await asyncio.to_thread(pruning.prune, store, plan)
    for failure in result.failures:
        get_run_logger().error(failure)
    return result


@step("compact-history")
async def compact_history(store: Store) -> Compaction:
    """Compact each past month of the history into one file."""
    return await asyncio.to_thread(compact, store, datetime.now(UTC))


@step("verify-runs")
async def verify(store: Store, run_id: str | None) -> list[Checked]:
    """Check one run, or all, against their records, and show what is damaged; nothing is changed."""
    wanted = [run_id] if run_id else await asyncio.to_thread(run_ids, store)
    checked = await asyncio.to_thread(verify_runs, store, wanted)
    damages = all_damages(checked)
    rows = [
        {"object": shown(damage.key), "damage": str(damage.fault), "how": shown(damage.sentence)}
        for damage in damages[:_ROWS]
    ]
    await acreate_table_artifact(
        key="damages", table=rows, description=f"{len(damages)} damages in {extent(checked)}"
    )
    return checked
