"""The deployments of prefect.yaml unchanged: started through the API as the UI does, and run by a worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError

from tests.flows.conftest import POOL, ROOT, FakeLab, prefect

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
NAMES = (
    "batch-profile/batch-profile",
    "bisect/bisect",
    "compare-runs/compare-runs",
    "flight-check/flight-check",
    "nightly-sweep/nightly-sweep",
    "profile/profile-network",
    "prune-store/prune-store",
    "sdk-upgrade/sdk-upgrade",
    "sweep-sites/sweep-sites",
    "sweep/lab1",
    "sweep/lab2",
    "sweep/sweep",
    "tune/tune",
    "verify-store/verify-store",
    "accept-change/accept-change",
)


async def started(name: str, **parameters: Any) -> UUID:
    """Create a run of a deployment as the UI does."""
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(name)
        return (await client.create_flow_run_from_deployment(deployment.id, parameters=parameters)).id


def work(lab: FakeLab) -> str:
    """Let a worker run everything that is waiting; return its output."""
    worked = prefect("worker", "start", "--pool", POOL, "--run-once", QHAS_SITE=str(lab.site_file))
    return worked.stdout + worked.stderr


async def ended(run: UUID) -> FlowRun:
    """Return a flow run in its present state."""
    async with get_client() as client:
        return await client.read_flow_run(run)


async def artifacts(run: UUID) -> dict[str, str]:
    """Return the type of each artifact of a flow run, by key."""
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
    return {str(one.key): str(one.type) for one in found}


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("name", NAMES)
async def test_a_deployment_enforces_its_parameters_and_has_help_and_tags(name: str) -> None:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(name)
    assert deployment.enforce_parameter_schema
    assert len(deployment.description or "") > 100
    assert "qhas" in deployment.tags
    assert (deployment.work_pool_name, deployment.work_queue_name) == (
        POOL,
        name.removeprefix("sweep/") if "/lab" in name else "default",
    )


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("name", "cron", "strategy"),
    [
        ("nightly-sweep/nightly-sweep", "0 22 * * *", "ENQUEUE"),
        ("flight-check/flight-check", "15 * * * *", "CANCEL_NEW"),
        ("prune-store/prune-store", "30 5 * * 0", "CANCEL_NEW"),
        ("verify-store/verify-store", "30 12 * * 6", "CANCEL_NEW"),
    ],
)
async def test_what_comes_round_has_a_time_zone_and_runs_one_at_a_time(
    name: str, cron: str, strategy: str
) -> None:
    async with get_client() as client:
        deployment = await client.read_deployment_by_name(name)
    (schedule,) = deployment.schedules
    assert (schedule.active, schedule.schedule.cron) == (True, cron)  # type: ignore[union-attr]
    assert schedule.schedule.timezone == "Europe/Berlin"
    assert deployment.global_concurrency_limit is not None
    assert deployment.global_concurrency_limit.limit == 1
    assert deployment.concurrency_options is not None
    assert deployment.concurrency_options.collision_strategy == strategy


def test_the_nightlys_file_names_only_networks_that_are_made_on_a_fresh_clone() -> None:
    from qhas.site.demo import NETWORKS
    from qhas.sweep.spec import load_sweep

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert "parameters" not in next(one for one in deployments if one["name"] == "nightly-sweep")
    for model in load_sweep(ROOT / "examples/nightly.yaml").models:
        network = ROOT / "qhas-demo/networks" / f"{model.name}.onnx"
        assert Path(model.onnx) == network
        assert model.quantize is not None
        assert Path(model.quantize.calibration) == network.with_name(f"{model.name}-calibration")
        assert model.name in NETWORKS


@pytest.mark.usefixtures("deployed")
async def test_a_network_and_the_nightly_run_from_a_worker_with_parameters_as_the_ui_sends_them(
    lab: FakeLab,
) -> None:
    sweep_file = lab.folder / "file.yaml"
    sweep_file.write_text(lab.spec(name="file", socs=["sa8255"]).model_dump_json())
    dlc = str(lab.folder / "alpha.dlc")
    runs = {
        "profiled": await started("profile/profile-network", dlc=dlc, soc="qcs9100", run_id="profiled"),
        "filed": await started("nightly-sweep/nightly-sweep", spec_file=str(sweep_file), run_id="filed"),
    }
    await completed(lab, runs)
    assert list(lab.run("profiled")[1]) == ["alpha/qcs9100/default"]
    assert sorted(lab.run("filed")[1]) == ["alpha/sa8255/default", "beta/sa8255/default"]
    assert (await ended(runs["profiled"])).name == "alpha on qcs9100"
    assert (await ended(runs["filed"])).name == "file"
    assert (await artifacts(runs["filed"])).items() >= {
        ("file-simulator", "table"),
        ("file-progress", "progress"),
    }


@pytest.mark.slow
@pytest.mark.usefixtures("deployed")
async def test_the_other_deployments_run_from_a_worker_as_well(lab: FakeLab) -> None:
    spec = json.loads(lab.spec(socs=["sa8255"]).model_dump_json())
    runs = {
        "swept": await started("sweep/sweep", spec=spec, run_id="swept"),
        "batched": await started(
            "batch-profile/batch-profile",
            models=[{"name": "alpha", "dlc": str(lab.folder / "alpha.dlc")}],
            socs=["sa8255"],
            other_socs=["sa8797"],
            variants={"perf_profile": ["burst", "balanced"]},
            run_id="batched",
        ),
        "checked": await started("flight-check/flight-check"),
        "pruned": await started("prune-store/prune-store", dry_run=True),
    }
    await completed(lab, runs)
    assert sorted(lab.run("swept")[1]) == ["alpha/sa8255/default", "beta/sa8255/default"]
    assert sorted(lab.run("batched")[1]) == [
        f"alpha/{soc}/perf_profile-{profile}"
        for soc in ("sa8255", "sa8797")
        for profile in ("balanced", "burst")
    ]
    assert "table" in (await artifacts(runs["checked"])).values()


async def completed(lab: FakeLab, runs: dict[str, UUID]) -> None:
    """Let a worker run them, and check that they all complete."""
    said = work(lab)
    states = {name: (await ended(run)).state for name, run in runs.items()}
    told = {name: (state.type.value, state.message) for name, state in states.items() if state}
    assert {kind for kind, _ in told.values()} == {"COMPLETED"}, f"{told} {said}"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"soc": "no such; soc"}, "soc"),
        ({"soc": "sa8255", "prepare": {"optimization_level": 9}}, "9 is greater than the maximum of 3"),
        ({}, "'soc' is a required property"),
    ],
)
async def test_wrong_parameters_are_refused_when_the_run_is_created(
    wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(PrefectHTTPStatusError) as refused:
        await started("profile/profile-network", dlc="x.dlc", **wrong)
    assert refused.value.response.status_code == 409
    assert told in refused.value.response.json()["detail"]
