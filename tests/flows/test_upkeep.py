"""Flows prune and verify the store, as their schedules run them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State

from fakes.records import record
from flows.accept import accept_change
from flows.upkeep import prune_store, verify_store
from qhas.profile.figures import TIME
from qhas.runs import keys
from qhas.runs.record import Origin
from qhas.store import Store, Upload
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import write_verdicts
from tests.qhas.archive.stored import put_nights
from tests.qhas.objects import keys_named

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]
LONG_AGO = 1_600_000_000


@pytest.fixture
def old(tmp_path: Path) -> Store:
    """A store with the remains of a cell whose host died."""
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    store = Store(str(tmp_path / "store"))
    store.write("runs/nightly-1/net/sm8750/default/log.gz", b"half")
    for path in (tmp_path / "store").rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return store


async def test_a_dry_run_removes_nothing(old: Store, tmp_path: Path) -> None:
    state = await prune_store(dry_run=True, site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_completed()
    assert "1 places would be removed" in str(state.message)
    assert old.exists("runs/nightly-1/net/sm8750/default/log.gz")


async def test_what_is_old_goes(old: Store, tmp_path: Path) -> None:
    state = await prune_store(site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_completed()
    assert not old.exists("runs/nightly-1/net/sm8750/default/log.gz")


async def test_the_trace_that_a_stored_verdict_links_to_stays(old: Store, tmp_path: Path) -> None:
    (tmp_path / "trace").write_bytes(b"{}")
    for run_id in ("before", "between"):
        cell = record(run_id=run_id)
        place = keys.cell(run_id, cell.cell)
        stored = old.upload(place, [Upload("chrometrace", tmp_path / "trace", "trace.json")])
        marked = cell.model_copy(
            update={"artifacts": stored, "finished_at": datetime(2020, 1, 1, tzinfo=UTC)}
        )
        old.write(keys.manifest(place), marked.model_dump_json().encode())
    verdict = CellVerdict(
        run_id="now",
        cell=record().cell.key,
        metric=TIME,
        origin=Origin.SIMULATOR,
        verdict=Verdict.SUSTAINED,
        value=1,
        since_run="since",
        before_run="before",
        sentence="It is slower.",
    )
    write_verdicts(old, "now", [verdict])
    state = await prune_store(site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_completed()
    traces = [run for run in ("before", "between") if keys_named(old, keys.run(run), "trace.json")]
    assert traces == ["before"]


async def test_what_a_disk_has_spoilt_fails_the_verification_and_is_in_its_table(
    old: Store, tmp_path: Path
) -> None:
    old.write("runs/nightly-1/net/sm8750/default/manifest.json", b"")
    state = await verify_store(site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_failed()
    assert "2 damages in 1 run" in str(state.message)
    assert "Run nightly-1 has no sweep.json" in str(state.message)
    table = await only_table(state)
    assert {
        "object": "runs/nightly-1/net/sm8750/default/manifest.json",
        "damage": "record unreadable",
    }.items() <= table[-1].items()
    assert old.read("runs/nightly-1/net/sm8750/default/manifest.json") == b""


async def test_a_store_as_its_records_say_is_verified(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    state = await verify_store(site=str(tmp_path / "site.yaml"), return_state=True)
    assert (state.is_completed(), state.message) == (True, "0 runs, 0 cells, 0 files, 0 B: all as stored.")


async def test_one_run_that_is_not_there_is_refused_in_a_sentence(old: Store, tmp_path: Path) -> None:
    state = await verify_store("nightly-9", site=str(tmp_path / "site.yaml"), return_state=True)
    assert state.is_failed()
    assert "has no run nightly-9" in str(state.message)


async def only_table(state: State[Any]) -> list[dict[str, str]]:
    """Return the rows of the only table that a flow run published."""
    async with get_client() as client:
        (artifact,) = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
            )
        )
    table: list[dict[str, str]] = json.loads(str(artifact.data))
    return table


async def test_a_level_is_accepted_by_a_form_and_stands_in_a_table(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(json.dumps({"store": "store"}))
    put_nights(Store(str(tmp_path / "store")))
    state = await accept_change(
        "latest", "net/sm8750", "ana", "new kernel", site=str(tmp_path / "site.yaml"), return_state=True
    )
    assert state.is_completed()
    assert "nightly-2/net/sm8750/default: accepted by ana on" in str(state.message)
    (row,) = await only_table(state)
    assert (row["cell"], row["why"]) == ("net/sm8750/default", "new kernel")
