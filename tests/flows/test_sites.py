"""A sweep over two sites with workers of their own, and a third that is down."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling, Scheduled

from fakes.sdk import Fault, Rule, Tool, Wait, build_fake_sdk, order, read_calls
from flows.sites import sweep_sites
from qhas.failures import InvalidInput
from qhas.runs.record import SiteState, SweepState
from qhas.sweep.sites import SiteRef
from tests.documents import write_yaml
from tests.flows.conftest import POOL, ROOT, FakeLab, make_lab, prefect_command

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("deployed"),
]
SOCS = {"lab1": "sa8255", "lab2": "qcs9100", "lab3": "sa8797"}
"""Each site has one device."""


@dataclass(frozen=True)
class Sites:
    """A store, networks and a parent's site.yaml (`lab`), and the SDKs of the sites."""

    lab: FakeLab
    sdks: dict[str, Path]
    run_id: str
    """Its own in every test: the sites' flow runs are found by it, on a server that all tests share."""

    def ref(self, name: str, **changes: Any) -> SiteRef:
        """A site as sites.yaml names it; only lab3 is not waited for."""
        named = {
            "name": name,
            "deployment": f"sweep/{name}",
            "socs": {SOCS[name]: 1},
            "site": self.file(name),
        }
        patience = 3 if name == "lab3" else 120
        return SiteRef.model_validate({**named, "patience_seconds": patience, **changes})

    def file(self, name: str) -> str:
        """site.yaml of a site."""
        return str(self.lab.folder / f"{name}.yaml")

    async def sweep(self, run_id: str, *sites: SiteRef) -> State[Any]:
        """Run the sweep over the sites; its final state."""
        spec = self.lab.spec(socs=[each.soc for site in sites for each in site.socs])
        return await sweep_sites(spec, list(sites), str(self.lab.site_file), run_id, return_state=True)

    def equip(self, name: str, *socs: str) -> None:
        """Add devices to a site."""
        file = Path(self.file(name))
        document = json.loads(file.read_text()) if file.exists() else self._empty(name)
        document["devices"] += [{"name": f"{name}-{soc}", "soc": soc, "transport": "host"} for soc in socs]
        file.write_text(json.dumps(document))

    def _empty(self, name: str) -> dict[str, Any]:
        return {"store": self.lab.store.root, "sdk": {"root": str(self.sdks[name])}, "devices": []}

    def runs(self, name: str) -> int:
        """How many times the site has run a network."""
        return len(read_calls(self.sdks[name], Tool.NET_RUN))


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    """Three sites with a fake SDK each, and one store; tools that outlived a killed flow are ended."""
    lab = make_lab(tmp_path, ["alpha", "beta"])
    made = Sites(
        lab, {name: build_fake_sdk(tmp_path / f"sdk-{name}") for name in SOCS}, f"run-{uuid.uuid4().hex[:8]}"
    )
    for name, soc in SOCS.items():
        made.equip(name, soc)
    yield made
    for pid in [pid for name in SOCS for pid in tools(made, name)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def worker(queue: str, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of one site's queue."""
    command, environment = prefect_command(
        *("worker", "start", "--pool", POOL, "--work-queue", queue),
        PREFECT_WORKER_QUERY_SECONDS="1",
        **variables,
    )
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def lab3(deployed: None) -> None:
    """A third site's deployment, like the others', on a queue that nobody works for."""
    asyncio.run(_deploy_lab3())


@pytest.fixture(scope="module")
def workers(lab3: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workers of lab1 and lab2."""
    logs = tmp_path_factory.mktemp("workers")
    with worker("lab1", logs / "lab1.log"), worker("lab2", logs / "lab2.log"):
        yield


async def _deploy_lab3() -> None:
    async with get_client() as client:
        like = await client.read_deployment_by_name("sweep/lab1")
        await client.create_deployment(
            flow_id=like.flow_id,
            name="lab3",
            work_pool_name=POOL,
            work_queue_name="lab3",
            entrypoint=like.entrypoint,
            pull_steps=like.pull_steps,
            parameter_openapi_schema=like.parameter_openapi_schema,
            enforce_parameter_schema=True,
        )


async def flow_runs(run_id: str) -> list[FlowRun]:
    """The sites' flow runs of a run, in the order of their start."""
    async with get_client() as client:
        found = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[run_id]))
        )
    return sorted(found, key=lambda run: run.created or run.expected_start_time)


@pytest.mark.usefixtures("workers")
@pytest.mark.slow
async def test_a_site_that_is_down_delays_only_its_cells_and_is_reported(sites: Sites) -> None:
    state = await sites.sweep(sites.run_id, *map(sites.ref, SOCS))
    run, cells = sites.lab.run(sites.run_id)
    assert state.is_failed()
    assert "4 of 6 cells good, 0 failed, 2 not run" in str(state.message)
    assert "Site lab3 (2 of 2 cells missing): No worker took it within 3 s." in str(state.message)
    assert sorted(cells) == [f"{m}/{s}/default" for m in ("alpha", "beta") for s in ("qcs9100", "sa8255")]
    assert (run.state, run.good, run.failed, run.missing) == (SweepState.PARTIAL, 4, 0, 2)
    assert [(part.site, part.state, part.good, part.missing) for part in run.sites] == [
        ("lab1", SiteState.FINISHED, 2, 0),
        ("lab2", SiteState.FINISHED, 2, 0),
        ("lab3", SiteState.NOT_STARTED, 0, 2),
    ]
    children = {run.name: run for run in await flow_runs(sites.run_id)}
    assert str(children["nightly at lab1"].id) == run.sites[0].flow_run
    assert children["nightly at lab3"].state_name == "Cancelled"
    assert all(child.parent_task_run_id for child in children.values())


def qhas(
    sites: Sites, *arguments: str, socs: Sequence[str] = ("sa8255", "qcs9100")
) -> subprocess.CompletedProcess[str]:
    """The command, with the sites of the example and the test's own site.yaml at each."""
    document = yaml.safe_load((ROOT / "examples" / "sites.yaml").read_text())
    for site in document["sites"]:
        site["site"] = sites.file(site["name"])
    write_yaml(sites.lab.folder / "sites.yaml", document)
    spec = sites.lab.spec(socs=socs).model_dump(mode="json")
    write_yaml(sites.lab.folder / "sweep.yaml", spec)
    _, environment = prefect_command()
    return subprocess.run(
        [str(Path(sys.executable).parent / "qhas"), "sweep", "sweep.yaml", "--sites", "sites.yaml", "--site", str(sites.lab.site_file), *arguments],
        cwd=sites.lab.folder, env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


@pytest.mark.usefixtures("workers")
@pytest.mark.slow
def test_the_command_runs_a_sweep_at_the_sites_of_a_file(sites: Sites) -> None:
    done = qhas(sites, "--run-id", sites.run_id)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4/4" in done.stdout
    assert [line.split()[:5] for line in done.stdout.splitlines() if "finished" in line.split()] == [
        ["lab1", "finished", "2", "2", "0"],
        ["lab2", "finished", "2", "2", "0"],
    ]
    run, _ = sites.lab.run(sites.run_id)
    assert (run.state, run.good, [part.site for part in run.sites]) == (
        SweepState.COMPLETE,
        4,
        ["lab1", "lab2"],
    )
    again = qhas(sites, "--run-id", sites.run_id, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["run"]["sites"] == []  # nothing was left to do
    assert {name: sites.runs(name) for name in ("lab1", "lab2")} == {"lab1": 2, "lab2": 2}


def test_what_no_site_can_run_is_refused_by_the_command_in_one_sentence(sites: Sites) -> None:
    done = qhas(sites, "--run-id", "refused", socs=["sa8255", "sa8797"])
    assert done.returncode == 2, done.stdout + done.stderr
    told = done.stderr.splitlines()[0]  # Prefect may say behind it that it still sends events
    assert told == "qhas: No site has devices for sa8797; the sites have qcs9100, sa8255, sm8750."
    assert sites.lab.store.read("runs/refused/sweep.json") is None


@pytest.mark.slow
@pytest.mark.usefixtures("workers")
async def test_cells_of_a_site_that_was_down_run_at_another_one_the_next_time(sites: Sites) -> None:
    assert (await sites.sweep(sites.run_id, *map(sites.ref, SOCS))).is_failed()
    before = {name: sites.runs(name) for name in SOCS}
    sites.equip("lab2", SOCS["lab3"])
    state = await sites.sweep(
        sites.run_id, sites.ref("lab1"), sites.ref("lab2", socs={"qcs9100": 1, "sa8797": 1})
    )
    run, cells = sites.lab.run(sites.run_id)
    assert state.is_completed(), state.message
    assert (run.state, run.good, len(cells)) == (SweepState.COMPLETE, 6, 6)
    assert [part.site for part in run.sites] == ["lab2"]
    assert {name: sites.runs(name) for name in SOCS} == before | {"lab2": before["lab2"] + 2}


async def test_what_no_site_can_run_is_refused_before_anything_runs(sites: Sites) -> None:
    spec = sites.lab.spec(socs=["sa8255", "sm8750"])
    state = await sweep_sites(
        spec, [sites.ref("lab1")], str(sites.lab.site_file), "refused", return_state=True
    )
    with pytest.raises(InvalidInput, match="No site has devices for sm8750"):
        await state.aresult()
    assert await flow_runs("refused") == []
    assert sites.lab.store.read("runs/refused/sweep.json") is None


@pytest.mark.parametrize(
    ("deployment", "message"),
    [("sweep/nowhere", "no deployment sweep/nowhere"), ("profile/profile-network", "cannot run a part")],
)
async def test_a_deployment_that_cannot_serve_is_refused_before_anything_runs(
    sites: Sites, deployment: str, message: str
) -> None:
    state = await sites.sweep("undeployed", sites.ref("lab1"), sites.ref("lab2", deployment=deployment))
    with pytest.raises(InvalidInput, match=message):
        await state.aresult()
    assert await flow_runs("undeployed") == []


async def until_beta_hangs(sites: Sites, name: str) -> None:
    """Wait until the site has stored alpha's cell and hangs in beta's."""
    manifest = f"runs/{sites.run_id}/alpha/{SOCS[name]}/default/manifest.json"
    async with asyncio.timeout(600):
        while not (sites.lab.store.exists(manifest) and hanging(sites, name)):
            await asyncio.sleep(0.2)


def hanging(sites: Sites, name: str) -> bool:
    """Whether a run of a network has been under way for a second."""
    calls = read_calls(sites.sdks[name], Tool.NET_RUN)
    return any(call.end is None and time.time() - call.start > 1 for call in calls)


def hang(sites: Sites, name: str) -> None:
    """Let the site hang in beta's cell, which is prepared after alpha's has the device."""
    waits = [Wait(Tool.PREPARE, 2.0, model="beta")]
    order(sites.sdks[name], Rule(Tool.NET_RUN, Fault.HANG, model="beta"), waits=waits)


def tools(sites: Sites, name: str) -> list[int]:
    """Processes of a site's SDK."""
    marker, found = str(sites.sdks[name]).encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if marker in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


async def flow_process(run_id: str, name: str) -> int:
    """Process of a flow run of the sweep, by the flow run's name."""
    (found,) = [run for run in await flow_runs(run_id) if run.name == name and run.state_name == "Running"]
    return int(str(found.infrastructure_pid))


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
    ref = sites.ref("lab3", patience_seconds=120, silence_seconds=60)
    with worker("lab3", tmp_path / "worker.log", PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30") as process:
        running = asyncio.create_task(sites.sweep(sites.run_id, ref))
        await until_beta_hangs(sites, "lab3")
        await asyncio.sleep(70)
        assert not running.done(), "a run that hangs in a tool is alive"
        flow = await flow_process(sites.run_id, "nightly at lab3")
        process.kill()
        os.kill(flow, signal.SIGKILL)
        died = time.monotonic()
        state = await running
    assert time.monotonic() - died < 90
    assert "Site lab3 (1 of 2 cells missing): No sign of life for 60 s" in str(state.message)
    assert sites.lab.run(sites.run_id)[0].sites[0].state is SiteState.LOST
    order(sites.sdks["lab3"])
    with worker("lab3", tmp_path / "worker-2.log"):
        assert (await sites.sweep(sites.run_id, ref)).is_completed()


async def started_from_the_ui(sites: Sites, *names: str) -> FlowRun:
    """A flow run of the deployment `sweep-sites`, with parameters as the UI sends them."""
    parameters = {
        "spec": sites.lab.spec(socs=[SOCS[name] for name in names]).model_dump(mode="json"),
        "sites": [sites.ref(name).model_dump(mode="json") for name in names],
        "site": str(sites.lab.site_file),
        "run_id": sites.run_id,
    }
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("sweep-sites/sweep-sites")
        return await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)


async def ended(flow_run: FlowRun) -> State[Any]:
    """The final state of a flow run."""
    async with get_client() as client:
        while True:
            state = (await client.read_flow_run(flow_run.id)).state
            if state and state.is_final():
                return state
            await asyncio.sleep(0.5)


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
            await asyncio.sleep(10)  # the worker tells of the death twice; nobody is as quick as a test
            await client.set_flow_run_state(parent.id, Scheduled(name="AwaitingRetry"), force=True)
        assert (await ended(parent)).is_completed()
    assert not tools(sites, "lab1")
    names = [(run.name, run.state_name) for run in await flow_runs(sites.run_id)]
    assert names.count(("nightly at lab1", "Cancelled")) == 1
    assert names.count(("nightly at lab1", "Completed")) == 1
    assert sites.lab.run(sites.run_id)[0].state is SweepState.COMPLETE
