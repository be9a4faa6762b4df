"""What made a cell slower: the search for the responsible change between two runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import parameters as asked
from flows.upgrade import answered, slower_or_not
from qhas.runs.baseline import baseline_of
from qhas.runs.listing import find_cell, find_run
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import load_site, require_devices
from qhas.store import Store
from qhas.upgrade.bisection import Bisection
from qhas.upgrade.line import NothingChanged, points_between

SAME = "Nothing to try"
"""State of a bisection between two cells whose SDK, options and DLC are the same."""
FOLDER = Path(".qhas-bisect")
"""Keeps DLCs of earlier runs, below the folder in which the deployments were registered."""


@flow(name="bisect", flow_run_name="{cell} in {run_id}", persist_result=False)
async def bisect(
    run_id: asked.RunName = asked.BISECTED_RUN,
    cell: asked.CellKey = asked.BISECTED_CELL,
    good: asked.OptionalName = asked.GOOD_RUN,
    threshold_percent: asked.Percent = asked.THRESHOLD,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Find the SDK, the option or the DLC with which a stored cell became slower. A repeated call runs only what is missing."""
    lab_site = load_site(site)
    store = Store(lab_site.store)
    old, new = await asyncio.to_thread(_sides, store, run_id, cell, good)
    try:
        points = await asyncio.to_thread(lambda: points_between(store, lab_site, old, new, FOLDER.resolve()))
    except NothingChanged as same:
        return Completed(name=SAME, message=str(same))
    require_devices(lab_site, [new.cell.soc])
    search = Bisection(store, points, old, new, threshold_percent)
    return slower_or_not(*await answered(search.stages(), store, site))


def _sides(store: Store, run_id: str, cell: str, good: str | None) -> tuple[CellRecord, CellRecord]:
    run, records = load_run(store, find_run(store, run_id))
    new = find_cell(records, run.run_id, cell)
    earlier, of_earlier = load_run(store, find_run(store, good) if good else baseline_of(store, run.run_id))
    return find_cell(of_earlier, earlier.run_id, new.cell.key), new
