"""A sweep over several sites: each runs the cells that its devices can serve; one run, one report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.utilities.urls import url_for

from flows import parameters as asked
from flows.children import Child, require_deployments, start, stop, stop_leftovers, watch
from flows.liveness import report_waiting
from flows.running import counted, finish, running
from flows.sweep import run_here, run_id_of_flow_run
from qhas.failures import InvalidInput
from qhas.machine.secrets import masked
from qhas.runs.durations import expectations
from qhas.runs.following import Following
from qhas.runs.record import CellRecord, SitePart, SiteState
from qhas.runs.sole_runner import sole_runner
from qhas.runs.stored import ending, read_cells, require_same_spec
from qhas.site import load_site
from qhas.store import Store
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.sites import SiteRef, require_sites, split
from qhas.sweep.spec import Cell, SweepSpec
from tasks.report import judge

Parts = Mapping[str, tuple[Cell, ...]]


@flow(name="sweep-sites", flow_run_name="{spec.name}", persist_result=False)
async def sweep_sites(
    spec: SweepSpec = asked.SPEC,
    sites: list[SiteRef] = asked.SITES,
    site: asked.OptionalPath = asked.SITE,
    run_id: asked.OptionalName = asked.RUN_ID,
) -> State[Any]:
    """Split a sweep over sites by the devices they have, run each part at its site, and publish one report.

    `site` names the store, which all sites share. The `run_id` of an earlier run completes that run: only cells that
    are missing or failed are split.
    """
    return await run_at_sites(spec, sites, site, run_id or run_id_of_flow_run(spec.name))


def sweep_sites_here(spec: SweepSpec, sites: list[SiteRef], site: str | None, run_id: str) -> None:
    """Split, watch and report in this process; the sites' workers run the cells. Raises what prevented the start."""
    run_here(lambda: sweep_sites(spec, sites, site, run_id))


def _require_open_addresses(spec: SweepSpec) -> None:
    """Raise InvalidInput for an address with a secret: Prefect would keep it with the sites' flow runs."""
    for model in spec.models:
        if address := next(
            (each for each in (model.source, model.reference, *model.input_lists) if masked(each) != each),
            None,
        ):
            raise InvalidInput(
                f"{masked(address)} of model {model.name} contains a secret that Prefect would store with the sites' flow runs: leave it out, and give the workers their credentials through the environment."
            )


async def run_at_sites(
    spec: SweepSpec, sites: Sequence[SiteRef], site_path: str | None, run_id: str
) -> State[Any]:
    """Run a sweep over sites to its end. Raises InvalidInput before anything runs, and RunNotEnded afterwards."""
    plan = await asyncio.to_thread(plan_sweep, spec, look_up=False)  # each site looks up its own files
    here = load_site(site_path)
    store = Store(here.store)
    await asyncio.to_thread(require_same_spec, store, run_id, spec)
    require_sites(sites)
    _require_open_addresses(spec)
    async with get_client() as client, sole_runner(store, run_id, report_waiting) as tenure:
        known = await read_cells(store, run_id, plan.cells)
        missing = [cell for cell in plan.cells if not _is_good(known.get(cell.key))]
        socs = frozenset(each.soc for each_site in sites for each in each_site.socs)
        expected = await asyncio.to_thread(expectations, store, spec.name, missing, None, socs)
        parts = split(missing, sites, expected)
        await require_deployments(client, [each for each in sites if parts[each.name]])
        async with running(store, run_id, plan, here) as run:
            following = Following(store, run_id, missing, known)
            async with counted(run, len(plan.cells), len(plan.cells) - len(missing)):
                children = await _run_parts(client, plan, sites, parts, run_id, following)
        with ending(run_id):
            stored = await read_cells(store, run_id, plan.cells)
            following.report(stored.values())
            # The sites, which have the devices, have measured suspicious cells again.
            records = [stored[cell.key] for cell in plan.cells if cell.key in stored]
            site_parts = [_site_part(child, stored) for child in children]
            return await finish(store, run, records, tenure, partial(judge, store), site_parts)


def _is_good(record: CellRecord | None) -> bool:
    return record is not None and record.good


async def _run_parts(
    client: PrefectClient,
    plan: Plan,
    sites: Sequence[SiteRef],
    parts: Parts,
    run_id: str,
    following: Following,
) -> list[Child]:
    """Run every part at its site, side by side; however this ends, no part is left running."""
    await stop_leftovers(client, run_id)
    children: list[Child] = []
    followed = asyncio.create_task(following.follow())
    try:
        for site in sites:
            if cells := parts[site.name]:
                child = await start(plan.spec, run_id, plan.cells, site, cells)
                children.append(child)
        await watch(client, children)
    finally:
        followed.cancel()
        await stop(client, [child.flow_run.id for child in children if child.state is None])
    return children


def _site_part(child: Child, stored: Mapping[str, CellRecord]) -> SitePart:
    records = [stored[cell.key] for cell in child.cells if cell.key in stored]
    good = sum(record.good for record in records)
    return SitePart(
        site=child.site.name,
        deployment=child.site.deployment,
        state=child.state or SiteState.LOST,
        why=child.why,
        cells=len(child.cells),
        good=good,
        failed=len(records) - good,
        flow_run=str(child.flow_run.id),
        flow_run_url=url_for("flow-run", child.flow_run.id),
    )
