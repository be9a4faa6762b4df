"""A flow finds what made a cell slower, whether started by hand or by a regression's trigger."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.records import model
from flows.bisect import bisect
from qhas.store import Store
from qhas.sweep.spec import Cell, PrepareOptions
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
    """A site whose store holds three nights: the second slower and with less VTCM, the third like the second."""
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    store = Store(str(tmp_path / "store"))
    for day, (ops, vtcm) in enumerate(((FAST, 8), (SLOW, 2), (SLOW, 2))):
        cell = Cell(model=model("alpha"), soc="sm8750", sdk="2.47", prepare=PrepareOptions(vtcm_mb=vtcm))
        store_run(store, f"nightly-{day}", {"alpha": ops}, day=day, changes={"alpha": {"cell": cell}})
    return str(tmp_path / "site.yaml")


async def test_the_change_that_made_it_slower_is_the_message(site: str) -> None:
    state = await bisect(run_id="nightly-1", cell="alpha/sm8750", site=site, return_state=True)
    assert (state.is_failed(), state.name) == (True, "Slower")
    assert "VTCM 8 → 2 MiB" in str(state.message)


async def test_between_runs_that_were_made_of_the_same_there_is_nothing_to_try(site: str) -> None:
    state = await bisect(run_id="nightly-2", cell="alpha/sm8750/default", site=site, return_state=True)
    assert (state.is_completed(), state.name) == (True, "Nothing to try")


async def test_a_run_in_which_it_was_good_may_be_named(site: str) -> None:
    state = await bisect(
        run_id="nightly-2", cell="alpha/sm8750", good="nightly-0", site=site, return_state=True
    )
    assert state.name == "Slower"
