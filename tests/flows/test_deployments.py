"""prefect.yaml as it stands: deployed, started through the API, run by a worker."""

from __future__ import annotations

import json

import pytest
from prefect.client.orchestration import get_client

from tests.flows.conftest import POOL, FakeLab, prefect

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server"), pytest.mark.timeout(240)]


@pytest.mark.usefixtures("deployed")
async def test_both_deployments_run_from_a_worker_with_parameters_as_the_ui_sends_them(lab: FakeLab) -> None:
    spec = json.loads(lab.spec(socs=["sa8255"]).model_dump_json())
    async with get_client() as client:
        sweep = await client.read_deployment_by_name("sweep/sweep")
        profile = await client.read_deployment_by_name("profile/profile")
        dlc = str(lab.folder / "alpha.dlc")
        runs = [
            await client.create_flow_run_from_deployment(
                sweep.id, parameters={"spec": spec, "run_id": "swept"}
            ),
            await client.create_flow_run_from_deployment(
                profile.id, parameters={"dlc": dlc, "soc": "qcs9100", "run_id": "profiled"}
            ),
        ]
        worked = prefect("worker", "start", "--pool", POOL, "--run-once", QHAS_SITE=str(lab.site_file))
        states = [(await client.read_flow_run(run.id)).state for run in runs]
    assert [state and state.type.value for state in states] == ["COMPLETED", "COMPLETED"], (
        worked.stdout + worked.stderr
    )
    assert sorted(lab.run("swept")[1]) == ["alpha/sa8255/default", "beta/sa8255/default"]
    assert list(lab.run("profiled")[1]) == ["alpha/qcs9100/default"]


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    "wrong", [{"soc": "no such; soc"}, {"soc": "sa8255", "prepare": {"optimization_level": 9}}, {}]
)
async def test_wrong_parameters_are_refused_when_the_run_is_created(wrong: dict[str, object]) -> None:
    from prefect.exceptions import PrefectHTTPStatusError

    async with get_client() as client:
        deployment = await client.read_deployment_by_name("profile/profile")
        with pytest.raises(PrefectHTTPStatusError):
            await client.create_flow_run_from_deployment(deployment.id, parameters={"dlc": "x.dlc", **wrong})
