"""A sweep over two sites with their own workers, and a third that is down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from flows.sites import sweep_sites
from qhas.failures import InvalidInput
from qhas.runs.record import SiteState, SweepState
from tests.documents import write_yaml
from tests.flows.conftest import ROOT, prefect_command
from tests.flows.sites_at_work import SOCS, Sites, flow_runs

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("deployed"),
]


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
    """Run `qhas sweep` with the sites of the example, each with the test's own site.yaml."""
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
    assert json.loads(again.stdout)["run"]["sites"] == []  # no cells were left to run
    assert {name: sites.runs(name) for name in ("lab1", "lab2")} == {"lab1": 2, "lab2": 2}


def test_what_no_site_can_run_is_refused_by_the_command_in_one_sentence(sites: Sites) -> None:
    done = qhas(sites, "--run-id", "refused", socs=["sa8255", "sa8797"])
    assert done.returncode == 2, done.stdout + done.stderr
    told = done.stderr.splitlines()[0]  # Prefect may add that it is still sending events
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
