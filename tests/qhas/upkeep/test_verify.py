"""Verifying a store: damage done by a disk, a copy or a user is found, named, and repaired by a resume."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.records import MOMENT, record, spec
from qhas.failures import InvalidInput
from qhas.history import append
from qhas.runs.record import CellRecord
from qhas.runs.stored import begin_run, end_run
from qhas.site import Site
from qhas.store import Store, Upload
from qhas.sweep.plan import plan_sweep
from qhas.upkeep.verify import Fault, redo, run_ids, verify_run, verify_runs

RUN = "nightly-1"
TRACE = b'{"traceEvents": []}\n'


@pytest.fixture
def run(store: Store, tmp_path: Path) -> CellRecord:
    """A run of one cell with a trace, in the store and in its history."""
    trace = tmp_path / "chrometrace.json"
    trace.write_bytes(TRACE)
    planned = plan_sweep(spec(), look_up=False)
    begun = begin_run(store, RUN, planned, Site())
    (cell,) = planned.cells
    place = f"runs/{RUN}/{cell.key}"
    artifacts = store.upload(place, [Upload("chrometrace", trace, trace.name)])
    stored = record(cell, run_id=RUN, artifacts=artifacts)
    store.write(f"{place}/manifest.json", stored.model_dump_json().encode())
    append(store, end_run(store, begun, [stored]), [stored])
    return stored


def place(cell: CellRecord, name: str) -> str:
    return f"runs/{RUN}/{cell.cell.key}/{name}"


def faults(store: Store) -> list[tuple[Fault, str]]:
    return [(damage.fault, damage.key) for damage in verify_run(store, RUN).damages]


def test_a_run_as_it_was_stored_is_whole(store: Store, run: CellRecord) -> None:
    checked = verify_run(store, RUN)
    assert checked.damages == ()
    assert (checked.cells, checked.artifacts, checked.bytes) == (1, 1, len(TRACE))
    assert run_ids(store) == [RUN]


def test_what_no_record_names_is_told_and_costs_no_cell(store: Store, run: CellRecord) -> None:
    store.write(place(run, "Result_0/planted.raw"), b"x")
    assert faults(store) == [(Fault.STRAY, place(run, "Result_0/planted.raw"))]
    assert redo(store, [verify_run(store, RUN)]) == 0


def test_a_record_that_went_is_missed_though_its_row_went_too(store: Store, run: CellRecord) -> None:
    store.delete(f"runs/{RUN}/{run.cell.key}")
    store.delete("history")
    assert faults(store) == [(Fault.RECORD_MISSING, place(run, "manifest.json"))]


@pytest.mark.parametrize(
    "content", [TRACE[:-1], b"", TRACE.replace(b"[", b"{")], ids=["cut", "empty", "other"]
)
def test_an_artifact_of_other_bytes_is_damaged(store: Store, run: CellRecord, content: bytes) -> None:
    store.write(place(run, "chrometrace.json"), content)
    assert faults(store) == [(Fault.ARTIFACT_DAMAGED, place(run, "chrometrace.json"))]


def test_an_artifact_that_went_is_missing(store: Store, run: CellRecord) -> None:
    store.delete(place(run, "chrometrace.json"))
    assert faults(store) == [(Fault.ARTIFACT_MISSING, place(run, "chrometrace.json"))]


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100, b'{"cell": 1'])
def test_a_manifest_that_is_none_is_named(store: Store, run: CellRecord, content: bytes) -> None:
    store.write(place(run, "manifest.json"), content)
    assert (Fault.RECORD_UNREADABLE, place(run, "manifest.json")) in faults(store)


def test_a_record_at_another_s_place_is_named(store: Store, run: CellRecord) -> None:
    other = run.model_copy(update={"run_id": "nightly-2"})
    store.write(place(run, "manifest.json"), other.model_dump_json().encode())
    assert (Fault.RECORD_MISPLACED, place(run, "manifest.json")) in faults(store)


def test_a_manifest_copied_to_another_cell_is_named(store: Store, run: CellRecord) -> None:
    copy = f"runs/{RUN}/other/sm8750/default/manifest.json"
    store.write(copy, store.read(place(run, "manifest.json")) or b"")
    assert faults(store) == [(Fault.RECORD_MISPLACED, copy)]


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON"])
def test_a_run_s_record_that_is_none_hides_nothing_else(
    store: Store, run: CellRecord, content: bytes
) -> None:
    store.write(f"runs/{RUN}/sweep.json", content)
    store.delete(place(run, "chrometrace.json"))
    assert [fault for fault, _ in faults(store)] == [Fault.RECORD_UNREADABLE, Fault.ARTIFACT_MISSING]


def test_rows_of_the_history_that_are_not_the_records_are_named(store: Store, run: CellRecord) -> None:
    assert run.metrics
    slower = run.model_copy(update={"metrics": run.metrics.model_copy(update={"time_us": 9})})
    store.write(place(run, "manifest.json"), slower.model_dump_json().encode())
    ((damage),) = verify_run(store, RUN).damages
    assert damage.fault is Fault.HISTORY_DIFFERS
    was = float(run.metrics.time_us)
    assert damage.sentence == f"Its time_us for {run.cell.key} is {was}, but the record says 9.0."


def test_a_run_without_rows_in_the_history_is_named(store: Store, run: CellRecord) -> None:
    for found in store.objects("history"):
        store.delete(found.key)
    (damage,) = verify_run(store, RUN).damages
    assert damage.sentence == f"It has no row for {run.cell.key}."


def test_a_damaged_cell_is_made_again_by_a_resume(store: Store, run: CellRecord) -> None:
    store.write(place(run, "chrometrace.json"), b"")
    assert redo(store, [verify_run(store, RUN)]) == 1
    assert not store.exists(place(run, "manifest.json"))
    assert [fault for fault, _ in faults(store)] == [Fault.HISTORY_DIFFERS]


def test_a_run_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="has no run nightly-9"):
        verify_run(store, "nightly-9")


def test_what_was_pruned_is_not_missed(store: Store, run: CellRecord) -> None:
    (trace,) = run.artifacts
    pruned = run.model_copy(update={"artifacts": [trace.model_copy(update={"pruned_at": MOMENT})]})
    store.write(place(run, "manifest.json"), pruned.model_dump_json().encode())
    store.delete(place(run, "chrometrace.json"))
    assert faults(store) == []


@pytest.mark.parametrize("stray", [".DS_Store", "a b/manifest.json", "README", "\u00e9/x"])
def test_what_can_be_no_run_is_named_and_ends_nothing(tmp_path: Path, stray: str) -> None:
    (place := tmp_path / "runs" / stray).parent.mkdir(parents=True)
    place.write_bytes(b"stray")
    local = Store(str(tmp_path))
    (checked,) = verify_runs(local, run_ids(local))
    (damage,) = checked.damages
    assert (damage.fault, damage.key) == (Fault.STRAY, f"runs/{stray.partition('/')[0]}")


def test_a_folder_below_a_run_whose_name_no_cell_can_have_is_named(tmp_path: Path) -> None:
    local = Store(str(tmp_path))
    place = tmp_path / "runs/nightly-1/x\ny/sm8750/default"
    place.mkdir(parents=True)
    (place / "manifest.json").write_text("{}")
    (damage,) = [each for each in verify_run(local, RUN).damages if each.fault is Fault.STRAY]
    assert "\n" not in damage.key
