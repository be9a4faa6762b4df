"""Sites with their own fake SDKs, the workers of their queues, and the flow runs and tools running at them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.events.filters import EventFilter, EventNameFilter

from fakes.sdk import Fault, Rule, Tool, Wait, order, read_calls
from flows.sites import sweep_sites
from qhas.sweep.sites import SiteRef
from tests.flows.conftest import POOL, ROOT, FakeLab, prefect_command

SOCS = {"lab1": "sa8255", "lab2": "qcs9100", "lab3": "sa8797"}
"""The sites, each with the SoC of its one device."""


@dataclass(frozen=True)
class Sites:
    """A store, networks and a parent's site.yaml (`lab`), and the SDKs of the sites."""

    lab: FakeLab
    sdks: dict[str, Path]
    run_id: str
    """Unique to each test: it identifies the sites' flow runs on a server that all tests share."""

    def ref(self, name: str, **changes: Any) -> SiteRef:
        """Return a site as sites.yaml describes it; for lab3 the sweep waits only three seconds."""
        named = {
            "name": name,
            "deployment": f"sweep/{name}",
            "socs": {SOCS[name]: 1},
            "site": self.file(name),
        }
        patience = 3 if name == "lab3" else 900
        return SiteRef.model_validate({**named, "patience_seconds": patience, **changes})

    def file(self, name: str) -> str:
        """Return the path of a site's site.yaml."""
        return str(self.lab.folder / f"{name}.yaml")

    async def sweep(self, run_id: str, *sites: SiteRef) -> State[Any]:
        """Run the sweep over the sites; return its final state."""
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
        """Return how many times the site has run a network."""
        return len(read_calls(self.sdks[name], Tool.NET_RUN))


@contextmanager
def worker(queue: str, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker for one site's queue while the block lasts."""
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


async def deploy_lab3() -> None:
    """Create a third site's deployment, like the others', on a queue that no worker serves."""
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
    """Return the sites' flow runs of a run, oldest first."""
    async with get_client() as client:
        found = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[run_id]))
        )
    return sorted(found, key=lambda run: run.created or run.expected_start_time)


async def until_beta_hangs(sites: Sites, name: str) -> None:
    """Wait until the site has stored alpha's cell and hangs in beta's."""
    manifest = f"runs/{sites.run_id}/alpha/{SOCS[name]}/default/manifest.json"
    async with asyncio.timeout(600):
        while not (sites.lab.store.exists(manifest) and hanging(sites, name)):
            await asyncio.sleep(0.2)


def hanging(sites: Sites, name: str) -> bool:
    """Whether a run of a network has been under way for a second."""
    calls = read_calls(sites.sdks[name], Tool.NET_RUN)
    return any(call.under_way and time.time() - call.start > 1 for call in calls)


def hang(sites: Sites, name: str) -> None:
    """Make the site hang in beta's cell, which is prepared only once alpha's holds the device."""
    waits = [Wait(Tool.PREPARE, 6.0, model="beta")]
    order(sites.sdks[name], Rule(Tool.NET_RUN, Fault.HANG, model="beta"), waits=waits)


def tools(sites: Sites, name: str) -> list[int]:
    """Return the processes of a site's SDK."""
    marker, found = str(sites.sdks[name]).encode(), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if marker in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


async def flow_process(run_id: str, name: str) -> int:
    """Return the process of a flow run of the sweep, given the flow run's name."""
    (found,) = [run for run in await flow_runs(run_id) if run.name == name and run.state_name == "Running"]
    return int(str(found.infrastructure_pid))


async def started_from_the_ui(sites: Sites, *names: str) -> FlowRun:
    """Start a flow run of the deployment `sweep-sites`, with parameters as the UI sends them."""
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
    """Wait for a flow run to end; return its final state."""
    async with get_client() as client:
        while True:
            state = (await client.read_flow_run(flow_run.id)).state
            if state and state.is_final():
                return state
            await asyncio.sleep(0.5)


async def until_the_worker_has_told(flow_run: FlowRun) -> None:
    """Wait for the worker's report of a killed process: it follows the runner's, and would end a retry begun before."""
    async with get_client() as client:
        while True:
            # Created anew each time: a filter only reaches up to the moment of its creation.
            ended = EventFilter(event=EventNameFilter(name=["prefect.worker.executed-flow-run"]))
            told = (await client.read_events(ended, limit=50)).events
            if any(str(flow_run.id) in resource.id for event in told for resource in event.related):
                return
            await asyncio.sleep(0.5)
