"""A flow compares two runs and shows the reasons in the Prefect UI."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.artifacts import Artifact

from flows.compare import compare_runs
from qhas.store import Store
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]
FAST = [Made("conv1"), Made("add", "Add")]
SLOW = [FAST[0], replace(FAST[1], dominant=400_000)]


@pytest.fixture
def site(tmp_path: Path) -> str:
    """A site whose store holds three nights; the second is slower."""
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    store = Store(str(tmp_path / "store"))
    for day, ops in enumerate((FAST, SLOW, FAST)):
        store_run(store, f"nightly-{day}", {"alpha": ops}, day=day)
    return str(tmp_path / "site.yaml")


async def test_a_slower_run_fails_with_the_sentence_and_leaves_its_reasons(site: str) -> None:
    state = await compare_runs(after="nightly-1", site=site, return_state=True)
    assert (state.is_failed(), state.name) == (True, "Slower")
    assert "1 cell compared: 1 worse" in str(state.message)
    page = await Artifact.get("nightly-1-against-nightly-0")
    assert page is not None
    assert "Add add" in str(page.data)
    assert await Artifact.get("nightly-1-against-nightly-0-cells") is not None


async def test_a_faster_run_completes(site: str) -> None:
    state = await compare_runs(before="nightly-1", after="nightly-2", site=site, return_state=True)
    assert state.is_completed()
    assert "1 better" in str(state.message)


async def test_a_first_run_has_nothing_to_be_compared_with(site: str) -> None:
    state = await compare_runs(after="nightly-0", site=site, return_state=True)
    assert (state.is_completed(), state.name) == (True, "First run")
