"""The upkeep of a lab: checking it before the night, pruning and verifying its store, compacting its history."""

from __future__ import annotations

import platform
from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import parameters as asked
from qhas.site import load_site
from qhas.store import Store
from qhas.units import size
from qhas.upkeep.prune import PruningPolicy
from qhas.upkeep.verify import all_damages, extent
from tasks.upkeep import compact_history, examine, plan_pruning, prune, verify


@flow(name="flight-check", flow_run_name=f"flight-check of {platform.node()}", persist_result=False)
async def flight_check(site: asked.OptionalPath = asked.SITE) -> State[Any]:
    """Check whether this worker's host, its SDK, its store and its devices are fit for a sweep.

    Ends as failed with one sentence if something is not; devices in use are not queried.
    """
    findings = await examine(load_site(site))
    bad = [finding for finding in findings if not finding.good]
    if not bad:
        return Completed(message=f"All {len(findings)} checks are good.")
    first = f"{bad[0].what}: {bad[0].answer}"
    return Failed(message=f"{len(bad)} of {len(findings)} checks are bad. {first}")


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
    """Remove old traces, logs, schematics and unused prepared graphs; records and QHAS summaries are kept for ever.

    Pinned runs keep everything. With `dry_run` the table only shows what would be removed.
    Past months of the history are compacted into one file each.
    """
    store = Store(load_site(site).store)
    policy = PruningPolicy(timedelta(days=traces), timedelta(days=replay), timedelta(days=prepared))
    plan = await plan_pruning(store, policy)
    if dry_run:
        return Completed(message=f"{size(plan.size)} in {len(plan.items)} places would be removed.")
    result = await prune(store, plan)
    months = (await compact_history(store)).months
    message = (
        f"{size(result.size)} removed, {len(result.failures)} places failed, "
        f"{len(months)} months of the history compacted."
    )
    return Failed(message=message) if result.failures else Completed(message=message)


def _verification_name() -> str:
    return f"verify-store, {flow_run.parameters['run_id'] or 'every run'}"


@flow(name="verify-store", flow_run_name=_verification_name, persist_result=False)
async def verify_store(
    run_id: asked.OptionalName = asked.VERIFIED, site: asked.OptionalPath = asked.SITE
) -> State[Any]:
    """Check every stored file against its run's records: that it exists, with its size and digest, in its own place.

    Ends as failed with one sentence if something is damaged; the table names it. Nothing is changed.
    """
    checked = await verify(Store(load_site(site).store), run_id or None)
    damages = all_damages(checked)
    if not damages:
        return Completed(message=f"{extent(checked)}: all as stored.")
    first = f"{damages[0].key}: {damages[0].fault}. {damages[0].sentence}"
    return Failed(message=f"{len(damages)} damages in {extent(checked)}. {first}")
