"""What a sweep says against its history, on the fake SDK: a morning page, a line in the state, verdicts in the store."""

from __future__ import annotations

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.sweep import sweep
from qhas.history import Where, read_history
from qhas.verdict import Verdict
from qhas.verdict.stored import read_verdicts
from tests.flows.conftest import FakeLab

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


async def test_a_second_night_of_a_simulated_sweep_is_judged_against_the_first(lab: FakeLab) -> None:
    spec, site = lab.spec(socs=["sa8255"]), str(lab.site_file)
    first = await sweep(spec, site=site, run_id="one", return_state=True)
    second = await sweep(spec, site=site, run_id="two", return_state=True)
    assert "2 cells with too few nights." in str(first.message)
    assert "No regression in 2 judged cells." in str(second.message)
    assert {one.verdict for one in read_verdicts(lab.store, "one")} == {Verdict.INSUFFICIENT_DATA}
    assert {one.verdict for one in read_verdicts(lab.store, "two")} == {Verdict.STEADY}
    assert len(read_history(lab.store, Where(), ["run_id"])) == 4
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["nightly-verdicts"]))
    async with get_client() as client:
        pages = await client.read_artifacts(artifact_filter=wanted)
    assert any("**2 of 2 cells good**" in str(page.data) and "Run two." in str(page.data) for page in pages)
