"""A sweep is compared with its history, on the fake SDK: a morning page, a line in the state, stored verdicts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from fakes.dlc import SAMPLE_NODES, make_dlc
from flows.sweep import sweep
from qhas.history import Where, read_history
from qhas.verdict import Verdict
from qhas.verdict.stored import read_verdicts
from tests.documents import write_yaml
from tests.flows.conftest import FakeLab, prefect_command

MORE = [(f"conv{number}", "Conv2d") for number in range(5, 12)]


def night(lab: FakeLab, run_id: str) -> subprocess.CompletedProcess[str]:
    """Run `qhas sweep` for one network on one SoC to completion."""
    network = lab.folder / "alpha.dlc"
    write_yaml(
        sweep_file := lab.folder / "sweep.yaml",
        {"name": "nightly", "models": [{"name": "alpha", "dlc": str(network)}], "socs": ["sa8255"]},
    )
    _, environment = prefect_command()
    command = [str(Path(sys.executable).parent / "qhas"), "sweep", str(sweep_file)]
    return subprocess.run(
        [*command, "--site", str(lab.site_file), "--run-id", run_id],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


async def test_a_second_night_of_a_simulated_sweep_is_judged_against_the_first(lab: FakeLab) -> None:
    spec, site = lab.spec(socs=["sa8255"]), str(lab.site_file)
    first = await sweep(spec, site=site, run_id="one", return_state=True)
    second = await sweep(spec, site=site, run_id="two", return_state=True)
    assert str(first.message).startswith("2 of 2 cells good. Run one. ")  # no history to compare with
    assert "No regression in 2 judged cells." in str(second.message)
    assert {one.verdict for one in read_verdicts(lab.store, "one")} == {Verdict.INSUFFICIENT_DATA}
    assert {one.verdict for one in read_verdicts(lab.store, "two")} == {Verdict.STEADY}
    assert len(read_history(lab.store, Where(), ["run_id"])) == 4
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["nightly-verdicts"]))
    async with get_client() as client:
        pages = await client.read_artifacts(artifact_filter=wanted)
    assert any("**2 of 2 cells good**" in str(page.data) and "Run two." in str(page.data) for page in pages)


@pytest.mark.slow
def test_the_command_ends_with_the_morning_line_and_exit_code_1_where_a_cell_is_newly_worse(
    lab: FakeLab,
) -> None:
    first = night(lab, "one")
    assert first.returncode == 0, first.stderr
    assert "nights" not in first.stdout  # no history to compare with
    make_dlc(lab.folder / "alpha.dlc", graph="alpha", nodes=[*SAMPLE_NODES[:-1], *MORE, SAMPLE_NODES[-1]])
    second = night(lab, "two")
    assert second.returncode == 1, second.stderr
    line = second.stdout.splitlines()[-1]
    assert line.startswith("1 new regression, the first: alpha on sa8255: "), second.stdout
    third = night(lab, "three")
    assert third.returncode == 0, third.stdout  # the regression is known by then
    assert "1 sustained" in third.stdout
