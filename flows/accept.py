"""A form that accepts a level as the one to expect from now on."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import parameters as asked
from qhas.runs.accepted import Acceptance, read_acceptances
from qhas.runs.listing import find_cell, find_run
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.stored import load_run
from qhas.site import load_site
from qhas.store import Store
from qhas.upkeep.accept import accept, take_back
from tasks.artifacts import artifact_key


@flow(name="accept-change", flow_run_name="{run_id}/{cell}", persist_result=False)
async def accept_change(
    run_id: asked.RunName = asked.ACCEPTED_RUN,
    cell: asked.CellKey = asked.ACCEPTED_CELL,
    by: asked.Person = asked.ACCEPTED_BY,
    reason: str = asked.ACCEPTED_REASON,
    undo: bool = asked.TAKE_BACK,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Make a cell's level in a run the baseline of verdicts and budgets from then on, noting who says so and why."""
    store = Store(load_site(site).store)
    record = await asyncio.to_thread(_cell, store, run_id, cell)
    if undo:
        acceptance = await asyncio.to_thread(take_back, store, record, by)
    else:
        acceptance = await asyncio.to_thread(accept, store, record, by, reason)
    await _show(acceptance.sweep, await asyncio.to_thread(read_acceptances, store, acceptance.sweep))
    return Completed(message=acceptance.full_sentence)


async def _show(sweep: str, every: list[Acceptance]) -> None:
    rows = [
        {
            "cell": acceptance.cell,
            "run": acceptance.run_id,
            "by": acceptance.by,
            "on": f"{acceptance.at:%Y-%m-%d}",
            "why": acceptance.reason,
            "taken back": f"by {acceptance.withdrawn.by}" if acceptance.withdrawn else "",
        }
        for acceptance in every
    ]
    await acreate_table_artifact(
        key=artifact_key(f"accepted-{sweep}"), table=rows, description=f"Accepted levels of sweep {sweep}"
    )


def _cell(store: Store, run_id: str, key: str) -> CellRecord:
    run, records = load_run(store, find_run(store, run_id))
    return find_cell(by_graph(records), run.run_id, key)
