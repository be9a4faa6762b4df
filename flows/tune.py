"""The search on the simulator for the best options of graph-prepare for a network on a SoC."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import parameters as asked
from qhas.site import load_site
from qhas.tune.model import Objective, Tuning
from qhas.tune.page import page
from qhas.tune.subject import open_bench
from qhas.tune.tune import keep, tune
from tasks.artifacts import artifact_key


@flow(name="tune", flow_run_name="{network} on {soc}", persist_result=False)
async def tune_network(
    network: asked.Address = asked.TUNED,
    soc: asked.AnySoc = asked.SOC_OF_CELL,
    objective: Objective = asked.OBJECTIVE,
    trials: asked.Trials = asked.TRIALS_OF_TUNING,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Find the best graph-prepare options for a network on a SoC, by simulation. A repeated call compiles nothing."""
    answer, address = await asyncio.to_thread(_tuned, network, soc, objective, trials, site)
    await acreate_markdown_artifact(
        key=artifact_key(answer.tuning_id), markdown=page(answer), description=answer.sentence
    )
    return Completed(message=f"{answer.sentence} Page: {address}")


def _tuned(network: str, soc: str, objective: Objective, trials: int, site: str | None) -> tuple[Tuning, str]:
    rack = load_site(site)
    with open_bench(network, soc, rack) as bench:
        answer = tune(bench, objective, trials, rack=rack)
        return answer, keep(bench.store, answer)
