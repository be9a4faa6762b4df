"""A run of every deployment of prefect.yaml, started through the API as the UI does, from start to artifacts."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import yaml

from bench.resilience.reader import read_run
from infra.stack.stack import ROOT
from tests.stack.api import ENDS
from tests.stack.conftest import NETWORKS, SOCS, Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]
DEPLOYMENTS: list[str] = [
    each["name"] for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
]
CELLS = sorted(f"{network}/{soc}/default" for network in NETWORKS for soc in SOCS)
ONE_CELL = ["alpha/sa8255/default"]


@dataclass(frozen=True)
class Asking:
    """What a run's parameters may use: a run id and folder of its own, and the runs begun before it."""

    running: Running
    run_id: str
    folder: Path
    begun: dict[str, tuple[str, str]]


def a_sweep(asking: Asking) -> dict[str, Any]:
    return {"spec": asking.running.spec(), "run_id": asking.run_id}


def a_nightly(asking: Asking) -> dict[str, Any]:
    (file := asking.folder / "nightly.yaml").write_text(yaml.safe_dump(asking.running.spec()))
    return {"spec_file": str(file), "run_id": asking.run_id}


def a_network(asking: Asking) -> dict[str, Any]:
    return {"dlc": asking.running.network("alpha"), "soc": "sa8255", "run_id": asking.run_id}


def a_batch(asking: Asking) -> dict[str, Any]:
    models = asking.running.spec()["models"]
    return {"models": models, "socs": list(SOCS), "name": "batch", "run_id": asking.run_id}


def over_sites(asking: Asking) -> dict[str, Any]:
    sites = [
        {
            "name": name,
            "deployment": f"sweep/{name}",
            "socs": [{"soc": soc, "count": 1}],
            "patience_seconds": 900,
        }
        for name, soc in zip(("lab1", "lab2"), SOCS, strict=True)
    ]
    return {"spec": asking.running.spec(), "sites": sites, "run_id": asking.run_id}


def a_comparison(asking: Asking) -> dict[str, Any]:
    compared = [asking.begun[name] for name in ("sweep", "nightly-sweep")]
    for flow_run, _ in compared:
        asking.running.api.ended(flow_run)
    after, before = (run_id for _, run_id in compared)
    return {"after": after, "before": before}


def a_verification(asking: Asking) -> dict[str, Any]:
    flow_run, run_id = asking.begun["profile-network"]
    asking.running.api.ended(flow_run)
    return {"run_id": run_id}


def nothing(_: Asking) -> dict[str, Any]:
    return {}


def an_acceptance(asking: Asking) -> dict[str, Any]:
    flow_run, run_id = asking.begun["profile-network"]
    asking.running.api.ended(flow_run)
    return {"run_id": run_id, "cell": ONE_CELL[0], "by": "ana", "reason": "the first level"}


ASKED: dict[str, tuple[Callable[[Asking], dict[str, Any]], list[str]]] = {
    "sweep": (a_sweep, CELLS),
    "nightly-sweep": (a_nightly, CELLS),
    "profile-network": (a_network, ONE_CELL),
    "batch-profile": (a_batch, CELLS),
    "sweep-sites": (over_sites, CELLS),
    "lab1": (a_sweep, CELLS),
    "lab2": (a_sweep, CELLS),
    "prune-store": (nothing, []),
    "flight-check": (nothing, []),
    "compare-runs": (a_comparison, []),
    "verify-store": (a_verification, []),
    "accept-change": (an_acceptance, []),
}
"""The parameters of each deployment's run, and the cells it leaves in the store. The last three need other runs."""
ELSEWHERE = {
    "sdk-upgrade": "tests/flows/test_upgrade.py",
    "bisect": "tests/flows/test_bisect.py",
    "tune": "tests/flows/test_tune.py",
}
"""Deployments that need several SDKs, or runs that differ, and the tests that try them."""


@pytest.fixture(scope="module")
def begun(running: Running, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """A flow run of each deployment, all at once: its id, and the id of its run in the store."""
    folder, ids = tmp_path_factory.mktemp("asked"), dict[str, tuple[str, str]]()
    for name, (asked, _) in ASKED.items():
        run_id = f"{name}-{uuid.uuid4().hex[:8]}"
        parameters = asked(Asking(running, run_id, folder, ids))
        ids[name] = (running.api.start(name, parameters), run_id)
    return ids


def test_every_deployment_is_tried() -> None:
    assert sorted([*ASKED, *ELSEWHERE]) == sorted(DEPLOYMENTS)
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


def test_every_deployment_is_registered_with_its_schema_enforced(running: Running) -> None:
    there = running.api.deployments()
    assert sorted(there) == sorted(DEPLOYMENTS)
    assert all(each["enforce_parameter_schema"] and each["description"] for each in there.values())


@pytest.mark.parametrize("name", ASKED)
def test_a_run_ends_well_with_artifacts_in_the_ui_and_cells_in_the_bucket(
    running: Running, begun: dict[str, tuple[str, str]], name: str
) -> None:
    flow_run, run_id = begun[name]
    ended = running.api.ended(flow_run)
    assert ended["state_type"] == "COMPLETED", f"{ended['state']['message']}\n{running.api.logs(flow_run)}"
    assert running.api.artifacts(flow_run)
    _, cells = ASKED[name]
    if cells:
        reading = read_run(running.store, run_id)
        assert (sorted(reading.complete), reading.failed, reading.broken) == (cells, {}, [])
        assert reading.state == "complete"


def test_runs_are_in_postgresql(running: Running, begun: dict[str, tuple[str, str]]) -> None:
    for flow_run, _ in begun.values():
        running.api.ended(flow_run)

    async def completed() -> set[str]:
        url = running.settings.database_url.replace("+asyncpg", "")
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch("select id from flow_run where state_type = 'COMPLETED'")
        finally:
            await connection.close()
        return {str(row["id"]) for row in rows}

    assert {flow_run for flow_run, _ in begun.values()} <= asyncio.run(completed())


def test_sites_run_on_workers_of_their_own(running: Running, begun: dict[str, tuple[str, str]]) -> None:
    flow_run, run_id = begun["sweep-sites"]
    running.api.ended(flow_run)
    body = {"flow_runs": {"tags": {"all_": [run_id]}}}
    queues = {run["name"]: run["work_queue_name"] for run in running.api.every("/flow_runs/filter", body)}
    assert queues == {"nightly at lab1": "lab1", "nightly at lab2": "lab2"}


def test_the_scheduler_starts_a_run_when_its_time_comes(running: Running) -> None:
    deployment = running.api.deployments()["prune-store"]
    schedule = {"interval": 30, "anchor_date": datetime.now(UTC).isoformat(), "timezone": "UTC"}
    there = f"/deployments/{deployment['id']}/schedules"
    [made] = running.api.post(there, [{"active": True, "schedule": schedule}])
    due = {"auto_scheduled": True, "deployment_id": deployment["id"]}
    found: list[dict[str, Any]] = []

    def runs() -> list[dict[str, Any]]:
        body = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
        return [run for run in running.api.every("/flow_runs/filter", body) if due.items() <= run.items()]

    def ended() -> bool:
        ends = ENDS - {"CANCELLED"}  # a run that came due while another was still running
        found[:] = [run for run in runs() if run["state_type"] in ends]
        return bool(found)

    try:
        running.api.until(ended, 240, "a run that the scheduler made to end")
    finally:
        running.api.delete(f"{there}/{made['id']}")
    running.api.until(lambda: all(run["state_type"] in ENDS for run in runs()), 240, "its last run to end")
    first = min(found, key=lambda run: str(run["expected_start_time"]))
    assert (first["state_type"], first["created_by"]["type"]) == ("COMPLETED", "SCHEDULE")


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("sweep", {"spec": {"name": "x", "models": [], "socs": ["sa8255"]}}, "models"),
        ("sweep", {"spec": {"name": "x", "models": [{"name": "a", "dlc": "a"}], "socs": ["a b;c"]}}, "socs"),
        ("sweep", {}, "spec"),
        ("prune-store", {"traces": 0}, "traces"),
        ("prune-store", {"traces": "soon"}, "traces"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    running: Running, name: str, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        running.api.start(name, wrong)
    assert 400 <= refused.value.response.status_code < 500
    assert re.search(said, refused.value.response.text)


def test_what_only_the_worker_can_know_to_be_wrong_fails_in_one_sentence(running: Running) -> None:
    missing = running.spec(models=[{"name": "gamma", "dlc": running.network("gamma")}])
    ended = running.api.ended(running.api.start("sweep", {"spec": missing}))
    assert ended["state_type"] == "FAILED"
    assert f"There is no file {running.network('gamma')}; correct its path." in ended["state"]["message"]
    assert "\n" not in ended["state"]["message"].strip()
