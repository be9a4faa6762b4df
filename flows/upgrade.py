"""What another SDK does to networks: sweeps with both, with those between if anything changed, with old options."""

from __future__ import annotations

import asyncio
from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import parameters as asked
from flows.sweep import run_sweep
from qhas.markdown import as_text
from qhas.naming import Name
from qhas.site import load_site, require_devices
from qhas.store import Store
from qhas.upgrade.model import Upgrade
from qhas.upgrade.page import keep, page
from qhas.upgrade.question import question_of
from qhas.upgrade.search import Stage, Stages, search
from tasks import events
from tasks.artifacts import artifact_key

SLOWER = "Slower"
"""State of an upgrade that makes a network slower."""


@flow(name="sdk-upgrade", flow_run_name="{before} to {after}", persist_result=False)
async def sdk_upgrade(
    networks: asked.Dlcs = asked.UPGRADED,
    socs: asked.SomeSocs = asked.UPGRADED_SOCS,
    before: Name = asked.SDK_BEFORE,
    after: Name = asked.SDK_AFTER,
    threshold_percent: asked.Percent = asked.THRESHOLD,
    every: bool = asked.EVERY_SDK,
    site: asked.OptionalPath = asked.SITE,
) -> State[Any]:
    """Show what another SDK does to networks, from which version on, why, and which option restores the old figure.

    A repeated call runs only what is missing.
    """
    lab_site = load_site(site)
    require_devices(lab_site, socs)
    question = await asyncio.to_thread(
        question_of, networks, socs, before, after, lab_site, threshold_percent, every=every
    )
    store = Store(lab_site.store)
    answer, address = await answered(search(question, store), store, site)
    events.upgrade_finished(answer, address)
    return slower_or_not(answer, address)


async def answered(stages: Stages, store: Store, site: str | None) -> tuple[Upgrade, str]:
    """Run the sweeps of a search and show its answer as an artifact; return the answer and its page's address."""
    while isinstance(step := await asyncio.to_thread(_next, stages), Stage):
        await run_sweep(step.spec, site, step.run_id)
    address = await asyncio.to_thread(keep, store, step)
    await acreate_markdown_artifact(
        key=artifact_key(step.upgrade_id), markdown=page(step), description=as_text(step.sentence)
    )
    return step, address


def slower_or_not(answer: Upgrade, address: str) -> State[Any]:
    """Return the state with which an answer ends its flow run."""
    message = f"{answer.sentence} Page: {address}"
    return Completed(message=message) if answer.good else Failed(name=SLOWER, message=message)


def _next(stages: Stages) -> Stage | Upgrade:
    """Return the sweep to run next, or the answer."""
    try:
        return next(stages)
    except StopIteration as ended:
        answer: Upgrade = ended.value
        return answer
