"""Two runs compared: what changed, and why."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import parameters as asked
from qhas.diff.runs import Chosen
from qhas.naming import Name
from qhas.runs.baseline import NoBaseline, baseline_of
from qhas.site import load_site
from qhas.store import Store
from tasks.compare import compare_runs as compare
from tasks.compare import show_comparison

SLOWER = "Slower"
"""State of a comparison in which a cell became slower."""
FIRST = "First run"
"""State of a comparison that has no earlier run to compare with."""


@flow(name="compare-runs", flow_run_name="{after}", persist_result=False)
async def compare_runs(
    after: Name = asked.AFTER,
    before: asked.OptionalName = asked.BEFORE,
    models: list[str] = asked.MODEL_PATTERNS,
    socs: list[str] = asked.SOC_PATTERNS,
    threshold_percent: asked.Percent = asked.THRESHOLD,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Show what changed between two runs, and why: a table of all cells, and the causes for those that changed."""
    store = Store(load_site(site).store)
    try:
        baseline = before if before else await asyncio.to_thread(baseline_of, store, after)
    except NoBaseline as first:
        return Completed(name=FIRST, message=str(first))
    diff = await compare(store, baseline, after, Chosen(models, socs), threshold_percent)
    await show_comparison(diff)
    if diff.worse:
        return Failed(name=SLOWER, message=diff.sentence)
    return Completed(message=diff.sentence)
