"""A sweep over sites whose flows are killed, whose host dies, or that is cancelled."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Cancelling, Scheduled

from fakes.sdk import order
from qhas.runs.record import SiteState, SweepState
from tests.flows.sites_at_work import (
    Sites,
    ended,
    flow_process,
    flow_runs,
    hang,
    started_from_the_ui,
    tools,
    until_beta_hangs,
    until_the_worker_has_told,
    worker,
)

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("sites"),  # whose tests each wait long
    pytest.mark.usefixtures("deployed"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("workers")
async def test_a_site_whose_flow_is_killed_leaves_what_it_stored_and_the_next_try_runs_the_rest(
    sites: Sites,
) -> None:
    hang(sites, "lab1")
    running = asyncio.create_task(sites.sweep(sites.run_id, sites.ref("lab1"), sites.ref("lab2")))
    await until_beta_hangs(sites, "lab1")
    os.kill(await flow_process(sites.run_id, "nightly at lab1"), signal.SIGKILL)
    state = await running
    run, cells = sites.lab.run(sites.run_id)
    assert state.is_failed()
    assert (len(cells), run.good, run.missing) == (3, 3, 1)
    assert [(part.site, part.state, part.missing) for part in run.sites] == [
        ("lab1", SiteState.FAILED, 1),
        ("lab2", SiteState.FINISHED, 0),
    ]
    assert "Site lab1 (1 of 2 cells missing): " in str(state.message)
    order(sites.sdks["lab1"])
    before = sites.runs("lab1")
    assert (await sites.sweep(sites.run_id, sites.ref("lab1"), sites.ref("lab2"))).is_completed()
    assert sites.runs("lab1") == before + 1
    assert len(await flow_runs(sites.run_id)) == 3  # lab2 had nothing left to do


@pytest.mark.slow
@pytest.mark.usefixtures("lab3")
async def test_a_site_whose_host_dies_is_given_up_after_its_silence(sites: Sites, tmp_path: Path) -> None:
    hang(sites, "lab3")
    ref = sites.ref("lab3", patience_seconds=900, silence_seconds=60)
    with worker("lab3", tmp_path / "worker.log", PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30") as process:
        running = asyncio.create_task(sites.sweep(sites.run_id, ref))
        await until_beta_hangs(sites, "lab3")
        await asyncio.sleep(70)
        assert not running.done(), "a run that hangs in a tool is alive"
        flow = await flow_process(sites.run_id, "nightly at lab3")
        process.kill()
        os.kill(flow, signal.SIGKILL)
        state = await running
    assert "Site lab3 (1 of 2 cells missing): No sign of life for 60 s" in str(state.message)
    assert sites.lab.run(sites.run_id)[0].sites[0].state is SiteState.LOST
    order(sites.sdks["lab3"])
    with worker("lab3", tmp_path / "worker-2.log"):
        assert (await sites.sweep(sites.run_id, ref)).is_completed()


@pytest.mark.slow
@pytest.mark.usefixtures("workers")
async def test_cancelling_the_parent_cancels_its_sites(sites: Sites, tmp_path: Path) -> None:
    hang(sites, "lab1")
    with worker("default", tmp_path / "parent.log"):
        parent = await started_from_the_ui(sites, "lab1", "lab2")
        await until_beta_hangs(sites, "lab1")
        async with get_client() as client:
            await client.set_flow_run_state(parent.id, Cancelling())
        while tools(sites, "lab1"):
            await asyncio.sleep(0.05)
        assert (await ended(parent)).is_cancelled()
    children = {run.name: run.state_name for run in await flow_runs(sites.run_id)}
    assert children["nightly at lab1"] == "Cancelled"
    assert sites.lab.run(sites.run_id)[0].state is SweepState.CANCELLED


@pytest.mark.slow
@pytest.mark.usefixtures("workers")
async def test_a_parent_that_was_killed_is_retried_and_stops_what_the_first_try_left(
    sites: Sites, tmp_path: Path
) -> None:
    hang(sites, "lab1")
    with worker("default", tmp_path / "parent.log"):
        parent = await started_from_the_ui(sites, "lab1", "lab2")
        await until_beta_hangs(sites, "lab1")
        async with get_client() as client:
            process = int(str((await client.read_flow_run(parent.id)).infrastructure_pid))
            os.kill(process, signal.SIGKILL)
            assert (await ended(parent)).is_crashed()
            assert tools(sites, "lab1")
            order(sites.sdks["lab1"])
            await until_the_worker_has_told(parent)
            await client.set_flow_run_state(parent.id, Scheduled(name="AwaitingRetry"), force=True)
        assert (await ended(parent)).is_completed()
    assert not tools(sites, "lab1")
    names = [(run.name, run.state_name) for run in await flow_runs(sites.run_id)]
    assert names.count(("nightly at lab1", "Cancelled")) == 1
    assert names.count(("nightly at lab1", "Completed")) == 1
    assert sites.lab.run(sites.run_id)[0].state is SweepState.COMPLETE
