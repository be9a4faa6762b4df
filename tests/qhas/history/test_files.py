"""What a run writes to the history, and where."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.records import record
from qhas.failures import FailureKind
from qhas.history import Where, append, read_history
from qhas.history.files import Kind
from qhas.store import Store
from tests.qhas.nights import day, on_phone, run_of, simulated, wobbling


def rows(store: Store, where: Where | None = None, *columns: str) -> list[dict[str, object]]:
    return read_history(store, where or Where(), columns or None).to_pylist()


def test_a_run_is_a_file_of_its_night_and_a_cell_is_a_row(store: Store) -> None:
    key = append(store, run_of(0), [on_phone(0, 1000.0, "alpha"), on_phone(0, 2000.0, "beta")])
    assert key == "history/date=2026-03-01/night-000.parquet"
    found = rows(store)
    assert [(row["network"], row["median_us"], row["device"]) for row in found] == [
        ("alpha", 1000.0, "one"),
        ("beta", 2000.0, "one"),
    ]
    assert found[0]["date"] == day(0)
    assert found[0]["samples_us"] == pytest.approx([990.0, 1000.0, 1010.0])
    assert (found[0]["build"], found[0]["sdk_version"], found[0]["prepared_sha256"]) == (
        "AP3A",
        "2.45.0",
        "a" * 64,
    )
    assert (found[0]["skin_celsius_before"], found[0]["chip_celsius_before"]) == (33.5, 60.0)


def test_a_failed_cell_is_a_row_with_its_reason_and_no_figures(store: Store) -> None:
    append(store, run_of(0), [record(failure=FailureKind.LOG_EMPTY)])
    (row,) = rows(store)
    assert (row["status"], row["failure"], row["time_us"], row["median_us"]) == (
        "failed",
        "log_empty",
        None,
        None,
    )


def test_a_resumed_run_replaces_its_rows(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    append(store, run_of(0), [on_phone(0, 1100.0), on_phone(0, 1000.0, "other")])
    assert [row["median_us"] for row in rows(store)] == [1100.0, 1000.0]


def test_runs_that_append_at_once_lose_nothing(store: Store) -> None:
    runs = [run_of(0, f"run-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda run: append(store, run, [on_phone(0, 1000.0), simulated(0)]), runs))
    found = rows(store, None, "run_id", "network")
    assert len(found) == 16
    assert {row["run_id"] for row in found} == {run.run_id for run in runs}


def test_the_top_ops_of_a_cell_are_rows_of_their_own(store: Store) -> None:
    append(store, run_of(0), [simulated(0)])
    (op,) = read_history(store, Where(), kind=Kind.OPS).to_pylist()
    assert (op["network"], op["op"], op["dominant_percent"]) == ("net", "Conv2d", 61.4)


def test_a_run_without_cells_is_no_error(store: Store) -> None:
    append(store, run_of(0), [])
    assert rows(store) == []


def test_a_part_that_a_compaction_removed_meanwhile_is_written_again(store: Store) -> None:
    class Meddled(Store):
        meddled = False

        def write(self, key: str, content: bytes, *, only_if_absent: bool = False) -> bool:
            written = super().write(key, content, only_if_absent=only_if_absent)
            if key.startswith("history/date=") and not self.meddled:
                self.meddled = True
                self.remove([key])
            return written

    store.__class__ = Meddled
    append(store, run_of(0), [on_phone(0, wobbling(0))])
    assert len(rows(store)) == 1
