"""Retention: a plan says what may be removed and why, removals are marked first, pinned and linked objects stay."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qhas.cell.prepared import PreparedGraphs
from qhas.runs.listing import run_lines
from qhas.runs.record import CellRecord
from qhas.store import Store, StoreError, Upload
from qhas.upkeep.linked import linked_cells
from qhas.upkeep.prune import Prunable, PruningPolicy, Reason, plan_pruning, prune
from tests.qhas.objects import keys_named

NOW = datetime.now(UTC)
CELL = "runs/nightly/net/sm8750/default"
NAMES = {"chrometrace": 3000, "log": 200, "schematic": 500, "qhas": 50, "latency_samples": 10, "output": 5}
POLICY = PruningPolicy()


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


@pytest.fixture
def cell(store: Store, tmp_path: Path) -> str:
    """The manifest's key of a cell that has just finished and has an artifact of every tier."""
    uploads = []
    for name, size in NAMES.items():
        (tmp_path / name).write_bytes(b"x" * size)
        uploads.append(Upload(name, tmp_path / name, name))
    artifacts = [artifact.model_dump() for artifact in store.upload(CELL, uploads)]
    document = {"finished_at": NOW.isoformat(), "artifacts": artifacts, "of_a_later_version": 1}
    store.write(f"{CELL}/manifest.json", json.dumps(document).encode())
    store.write("runs/nightly/sweep.json", b"{}")
    return f"{CELL}/manifest.json"


def reasons(store: Store, at: datetime, **options: Any) -> dict[Reason, set[str]]:
    """What may be removed, by reason: the last parts of the keys."""
    plan = plan_pruning(store, POLICY, at, **options)
    return {item.reason: {key.rpartition("/")[2] for key in item.keys} for item in plan.items}


def carry_out(store: Store, at: datetime) -> tuple[Prunable, ...]:
    result = prune(store, plan_pruning(store, POLICY, at))
    assert (result.failures, result.changed) == ((), ())
    return result.pruned


def test_nothing_goes_before_its_days(store: Store, cell: str) -> None:
    assert reasons(store, days(29)) == {}


def test_tiers_go_one_after_another_and_summaries_never(store: Store, cell: str) -> None:
    assert reasons(store, days(31)) == {Reason.REPLAY_OLD: {"log", "schematic"}}
    assert reasons(store, days(91)) == {
        Reason.REPLAY_OLD: {"log", "schematic"},
        Reason.TRACE_OLD: {"chrometrace"},
    }
    carry_out(store, days(5000))
    left = {found.key.rpartition("/")[2] for found in store.objects(CELL)}
    assert left == {"qhas", "latency_samples", "output", "manifest.json"}


def test_a_plan_knows_its_bytes_and_changes_nothing(store: Store, cell: str) -> None:
    before = store.objects("runs")
    assert plan_pruning(store, POLICY, days(91)).size == 3700
    assert store.objects("runs") == before


def test_a_record_says_what_was_pruned_and_keeps_the_rest(store: Store, cell: str) -> None:
    before = json.loads(store.read(cell) or b"")
    carry_out(store, days(31))
    after = json.loads(store.read(cell) or b"")
    marked = {entry["name"] for entry in after["artifacts"] if entry.get("pruned_at")}
    assert marked == {"log", "schematic"}
    for entry in (*after["artifacts"], *before["artifacts"]):
        entry.pop("pruned_at", None)
    assert after == before
    assert reasons(store, days(31)) == {}


@pytest.mark.parametrize("at", [31, 5000])
def test_a_pinned_run_keeps_everything(store: Store, cell: str, at: float) -> None:
    store.write("runs/nightly/pinned", b"")
    assert reasons(store, days(at)) == {}


def test_what_a_verdict_links_to_stays(store: Store, cell: str) -> None:
    assert Reason.TRACE_OLD not in reasons(store, days(91), linked={f"{CELL}/chrometrace"})


def test_a_run_that_is_pinned_after_the_plan_is_left(store: Store, cell: str) -> None:
    plan = plan_pruning(store, POLICY, days(91))
    store.write("runs/nightly/pinned", b"")
    assert prune(store, plan).changed == plan.items
    assert store.exists(f"{CELL}/chrometrace")


def test_a_cell_that_was_published_again_after_the_plan_is_left(store: Store, cell: str) -> None:
    plan = plan_pruning(store, POLICY, days(91))
    document = json.loads(store.read(cell) or b"") | {"finished_at": days(91).isoformat()}
    store.write(cell, json.dumps(document).encode())
    assert prune(store, plan).pruned == ()
    assert store.exists(f"{CELL}/chrometrace")


def test_a_removal_that_failed_is_made_up_for(
    store: Store, cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def refuses(*_: Any) -> None:
            raise StoreError("The store is busy")

        broken.setattr(Store, "remove", refuses)
        result = prune(store, plan_pruning(store, POLICY, days(91)))
        assert result.pruned == ()
        assert set(result.failures) == {"The store is busy"}
    marks = [entry.get("pruned_at") for entry in json.loads(store.read(cell) or b"")["artifacts"]]
    assert marks.count(days(91).isoformat()) == 3
    assert len(carry_out(store, days(92))) == 2
    assert not store.exists(f"{CELL}/chrometrace")


def test_remains_of_a_cell_without_a_manifest_go_after_a_day(store: Store, cell: str) -> None:
    store.write("runs/nightly/net/sm8650/default/logs/half.bin", b"12345")
    assert reasons(store, days(0.9)) == {}
    plan = plan_pruning(store, POLICY, days(1.1))
    assert [(item.reason, item.size) for item in plan.items] == [(Reason.HALF_PUBLISHED, 5)]
    assert len(prune(store, plan).pruned) == 1
    assert store.objects("runs/nightly/net/sm8650") == []
    assert store.exists("runs/nightly/sweep.json")


def test_remains_that_grow_after_the_plan_are_left(store: Store) -> None:
    store.write("runs/nightly/net/sm8650/default/half.bin", b"1")
    plan = plan_pruning(store, POLICY, days(2))
    store.write(f"{plan.items[0].prefix}/manifest.json", b"{}")
    assert prune(store, plan).pruned == ()
    assert store.exists("runs/nightly/net/sm8650/default/half.bin")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"artifacts": [1, {"name": "log"}]}', b'{"finished_at": 1}']
)
def test_a_manifest_that_cannot_be_read_loses_nothing(store: Store, cell: str, content: bytes) -> None:
    store.write(cell, content)
    assert reasons(store, days(5000)) == {}


def publish_graph(store: Store, folder: Path, key: str) -> None:
    folder.mkdir()
    for name in ("prepared.dlc", "a_schematic.bin"):
        (folder / name).write_text(name)
    PreparedGraphs(store).publish(key, folder, ["prepared.dlc", "a_schematic.bin"])


def test_a_prepared_graph_goes_when_nobody_used_it(store: Store, tmp_path: Path) -> None:
    publish_graph(store, tmp_path / "a", "key")
    assert reasons(store, days(29)) == {}
    (item,) = carry_out(store, days(31))
    assert item.reason is Reason.PREPARED_UNUSED
    assert store.objects("prepared") == []


def test_a_graph_that_is_used_after_the_plan_is_left(store: Store, tmp_path: Path) -> None:
    publish_graph(store, tmp_path / "a", "key")
    plan = plan_pruning(store, POLICY, days(31))
    (tmp_path / "host").mkdir()
    PreparedGraphs(store).fetch("key", tmp_path / "host")
    assert prune(store, plan).changed == plan.items
    assert PreparedGraphs(store).fetch("key", tmp_path / "host") is not None


def test_files_of_an_overtaken_writer_go_after_a_day(store: Store, tmp_path: Path) -> None:
    publish_graph(store, tmp_path / "a", "key")
    publish_graph(store, tmp_path / "b", "key")
    assert reasons(store, days(0.5)) == {}
    assert reasons(store, days(2)) == {Reason.PREPARED_REMAINS: {"prepared.dlc", "a_schematic.bin"}}
    carry_out(store, days(2))
    (tmp_path / "host").mkdir()
    assert PreparedGraphs(store).fetch("key", tmp_path / "host") is not None
    assert len(keys_named(store, "prepared", "prepared.dlc")) == 1


def test_records_of_this_version_are_understood(store: Store) -> None:
    assert {"finished_at", "artifacts"} <= set(CellRecord.model_fields)


def test_an_empty_store_has_nothing_to_prune(store: Store) -> None:
    assert plan_pruning(store, POLICY, NOW).items == ()


@pytest.mark.parametrize(
    "stray", [".DS_Store", "a b/file", "README", "nightly-9/x\ny/file", "../prepared/.DS_Store"]
)
def test_what_can_be_no_run_keeps_nobody_from_pruning(tmp_path: Path, stray: str) -> None:
    (place := tmp_path / "runs" / stray).parent.mkdir(parents=True)
    place.write_bytes(b"stray")
    store = Store(str(tmp_path))
    assert plan_pruning(store, PruningPolicy(), datetime.now(UTC), linked_cells(store)).items == ()
    assert run_lines(store) == []


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"a":' * 100_000, b"{", b"\xff", b"[]"],
    ids=["lists", "objects", "cut", "bytes", "list"],
)
def test_a_record_that_cannot_be_read_stops_no_pruning(store: Store, cell: str, content: bytes) -> None:
    store.write(cell, content)
    assert reasons(store, days(31)) == {}
