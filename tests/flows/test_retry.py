"""Retry and cancel from the UI: good cells are kept, missing ones are run, and no tool is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.states import Cancelling, Crashed, Scheduled

from fakes.sdk import Call, Fault, Rule, Tool, Wait, order, read_calls
from qhas.runs.record import SweepState
from tests.flows.conftest import FakeLab
from tests.flows.sites_at_work import worker
from tests.flows.test_deployments import started, work
from tests.qhas.objects import keys_named

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("deployed"),
]


def parameters(lab: FakeLab) -> dict[str, dict[str, Any]]:
    """Return the parameters of a run of `alpha` and `beta` on sa8255, by deployment."""
    spec = json.loads(lab.spec(socs=["sa8255"]).model_dump_json())
    sweep_file = lab.folder / "file.yaml"
    sweep_file.write_text(json.dumps(spec))
    models = [{"name": name, "dlc": str(lab.folder / f"{name}.dlc")} for name in lab.networks]
    return {
        "sweep/sweep": {"spec": spec},
        "nightly-sweep/nightly-sweep": {"spec_file": str(sweep_file)},
        "batch-profile/batch-profile": {"models": models, "socs": ["sa8255"]},
        "profile/profile-network": {"dlc": models[1]["dlc"], "soc": "sa8255"},
    }


async def state_of(run: UUID) -> State[Any]:
    async with get_client() as client:
        state = (await client.read_flow_run(run)).state
    assert state is not None
    return state


async def retry(run: UUID) -> None:
    """Do what the UI's Retry does."""
    async with get_client() as client:
        await client.set_flow_run_state(
            run, Scheduled(name="AwaitingRetry", message="Retry from the Prefect UI")
        )


async def until(run: UUID, told: Callable[[State[Any]], bool]) -> State[Any]:
    async with asyncio.timeout(600):
        while not told(state := await state_of(run)):
            await asyncio.sleep(0.3)
    return state


@pytest.mark.slow
async def test_a_retry_of_any_deployment_runs_only_what_failed(lab: FakeLab) -> None:
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.ERROR_EXIT, model="beta"))
    runs = {name: await started(name, **given) for name, given in parameters(lab).items()}
    said = work(lab)
    for run in runs.values():
        assert (await state_of(run)).is_failed(), said
    order(lab.sdk)
    before, good = len(_net_runs(lab)), good_cells(lab)
    for run in runs.values():
        await retry(run)
    said = work(lab)
    for name, run in runs.items():
        assert (await state_of(run)).is_completed(), f"{name}: {said}"
    assert len(_net_runs(lab)) == before + len(runs)
    assert good_cells(lab).items() >= good.items()
    assert len(lab.store.children("runs")) == len(runs)


def good_cells(lab: FakeLab) -> dict[str, bytes]:
    """Return the stored records of alpha by key."""
    keys = [key for key in keys_named(lab.store, "runs", "manifest.json") if "/alpha/" in key]
    return {key: lab.store.read(key) or b"" for key in keys}


def _net_runs(lab: FakeLab) -> list[Call]:
    return read_calls(lab.sdk, Tool.NET_RUN)


@pytest.fixture
def hanging(lab: FakeLab) -> Iterator[FakeLab]:
    """A lab that hangs in beta, prepared once alpha has the device; at the end, surviving tools are killed."""
    waits = [Wait(Tool.PREPARE, 6.0, model="beta")]
    order(lab.sdk, Rule(Tool.NET_RUN, Fault.HANG, model="beta"), waits=waits)
    yield lab
    kill(*_tools(lab))


def kill(*pids: int) -> None:
    """Kill those of the processes that have not ended by themselves."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _tools(lab: FakeLab) -> list[int]:
    marker, found = str(lab.sdk).encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


async def until_it_hangs(lab: FakeLab) -> None:
    """Wait until alpha is stored and beta hangs."""
    async with asyncio.timeout(600):
        while not (
            keys_named(lab.store, "runs", "manifest.json")
            and any(call.under_way and time.time() - call.start > 1 for call in _net_runs(lab))
        ):
            await asyncio.sleep(0.2)


@pytest.mark.slow
async def test_a_cancel_ends_the_tools_and_a_retry_finishes_the_run(hanging: FakeLab, tmp_path: Path) -> None:
    lab = hanging
    given = parameters(lab)["nightly-sweep/nightly-sweep"]
    with worker("default", tmp_path / "worker.log", QHAS_SITE=str(lab.site_file)):
        run = await started("nightly-sweep/nightly-sweep", **given)
        await until_it_hangs(lab)
        async with get_client() as client:
            await client.set_flow_run_state(run, Cancelling())
        while _tools(lab):
            await asyncio.sleep(0.05)
        assert (await until(run, State.is_final)).is_cancelled()
        (run_id,) = lab.store.children("runs")
        good = good_cells(lab)
        assert lab.run(run_id)[0].state is SweepState.CANCELLED
        order(lab.sdk)
        await retry(run)
        assert (await until(run, lambda state: state.is_final() and not state.is_cancelled())).is_completed()
    assert lab.store.children("runs") == [run_id]
    assert good_cells(lab) == good


@pytest.mark.slow
async def test_a_run_whose_host_died_is_finished_by_another_worker(hanging: FakeLab, tmp_path: Path) -> None:
    lab = hanging
    given = parameters(lab)["nightly-sweep/nightly-sweep"]
    with worker("default", tmp_path / "first.log", QHAS_SITE=str(lab.site_file)) as first:
        run = await started("nightly-sweep/nightly-sweep", **given)
        await until_it_hangs(lab)
        async with get_client() as client:
            flow_process = int(str((await client.read_flow_run(run)).infrastructure_pid).rpartition(":")[2])
        kill(first.pid, flow_process, *_tools(lab))
        await asyncio.sleep(3)
        good = good_cells(lab)
        assert (
            await state_of(run)
        ).is_running()  # no process is left to report it; flows/register/automations/lost-run.yaml does
    async with get_client() as client:
        await client.set_flow_run_state(run, Crashed(message="No sign of life."), force=True)
    order(lab.sdk)
    with worker("default", tmp_path / "second.log", QHAS_SITE=str(lab.site_file)):
        await retry(run)
        assert (
            await until(run, lambda state: state.type in (StateType.COMPLETED, StateType.FAILED))
        ).is_completed()
    assert good_cells(lab) == good


@pytest.mark.slow
async def test_a_run_outlives_its_worker(lab: FakeLab, tmp_path: Path) -> None:
    given = parameters(lab)["profile/profile-network"] | {"dlc": str(lab.folder / "alpha.dlc")}
    order(lab.sdk, durations={Tool.NET_RUN: 8.0})
    with worker("default", tmp_path / "worker.log", QHAS_SITE=str(lab.site_file)) as only:
        run = await started("profile/profile-network", **given)
        async with asyncio.timeout(600):
            while not _net_runs(lab):
                await asyncio.sleep(0.2)
        only.kill()
        assert (await until(run, State.is_final)).is_completed()
