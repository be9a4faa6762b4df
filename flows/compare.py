"""Two runs against each other: what changed, and why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from qhas.diff.compare import THRESHOLD_PERCENT
from qhas.diff.model import Verdict
from qhas.diff.runs import Chosen, baseline_of
from qhas.naming import Name
from qhas.site import load_site
from qhas.store import Store
from tasks.compare import compare_runs as compare
from tasks.compare import show_comparison

SLOWER = "Slower"
"""State of a comparison in which a cell became slower."""


@flow(name="compare-runs", flow_run_name="{after}", persist_result=False)
async def compare_runs(
    after: Annotated[Name, Field(description="Id of the run that is judged.")],
    before: Annotated[
        Name | None,
        Field(
            description="Id of the run it is judged against; empty: the last finished run of its sweep before it."
        ),
    ] = None,
    models: Annotated[
        list[str] | None, Field(description="Only models of these patterns, as in `inception_*`.")
    ] = None,
    socs: Annotated[list[str] | None, Field(description="Only SoCs of these patterns, as in `sa8*`.")] = None,
    threshold_percent: Annotated[
        float, Field(ge=0, le=1000, description="A change of time counts from here on, in percent.")
    ] = THRESHOLD_PERCENT,
    site: Annotated[
        str | None,
        Field(description="Path of a site.yaml on the worker; empty: QHAS_SITE, else the defaults."),
    ] = None,
) -> State[Any]:
    """Tell what changed between two runs, cell by cell, and why: a table of all cells and the causes of those that changed."""
    store = Store(load_site(Path(site) if site else None).store)
    if before is None:
        before = await asyncio.to_thread(baseline_of, store, after)
    diff = await compare(store, before, after, Chosen(models or (), socs or ()), threshold_percent)
    await show_comparison(diff)
    if diff.of(Verdict.WORSE):
        return Failed(name=SLOWER, message=diff.sentence)
    return Completed(message=diff.sentence)
