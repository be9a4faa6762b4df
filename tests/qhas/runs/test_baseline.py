"""The run that another one is compared with is found by reading few objects, however many runs there are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fakes.records import MOMENT, record, run_record, spec
from qhas.failures import InvalidInput
from qhas.report.findings import Findings
from qhas.report.run_index import publish_entry
from qhas.runs import keys
from qhas.runs.baseline import baseline_of
from qhas.runs.record import SweepState
from qhas.store import Store


def put(
    store: Store, run_id: str, days: int = 0, *, name: str = "nightly", report: bool = True, **facts: object
) -> None:
    run = run_record(
        run_id=run_id, started_at=MOMENT + timedelta(days=days), **{"spec": spec(name=name), **facts}
    )
    store.write(keys.sweep_record(run_id), run.model_dump_json().encode())
    if report:
        publish_entry(store, run, [record(run_id=run_id)], Findings())


@pytest.mark.parametrize("report", [True, False], ids=["with reports", "without"])
def test_it_is_the_last_finished_run_of_the_same_sweep_before(store: Store, report: bool) -> None:
    put(store, "nightly-old", -3, report=report)
    put(store, "by-hand", -1, report=report)
    put(store, "cancelled", 0, report=report, state=SweepState.CANCELLED)
    put(store, "nightly-of-others", 0, name="nightly-of", report=report)
    put(store, "now", 1, report=report)
    put(store, "later", 5, report=report)
    assert baseline_of(store, "now") == "by-hand"


def test_a_run_without_a_report_counts_beside_those_that_have_one(store: Store) -> None:
    put(store, "told", -2)
    put(store, "untold", -1, report=False)
    put(store, "now")
    assert baseline_of(store, "now") == "untold"


def test_a_run_that_is_being_completed_or_is_gone_is_none_though_its_report_is_there(store: Store) -> None:
    put(store, "whole", -3)
    for run_id, days in (("gone", -2), ("resumed", -1), ("now", 0)):
        put(store, run_id, days)
    put(store, "resumed", -1, report=False, state=SweepState.RUNNING)
    store.delete(keys.run("gone"))
    assert baseline_of(store, "now") == "whole"


def test_a_record_that_cannot_be_read_is_passed_over(store: Store) -> None:
    put(store, "whole", -2)
    store.write(keys.sweep_record("strange"), b"{}")
    put(store, "now")
    assert baseline_of(store, "now") == "whole"


def test_of_many_runs_with_a_report_few_objects_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(40):
        put(store, f"nightly-{night}", night)
    read: list[str] = []
    reader = store.read
    monkeypatch.setattr(store, "read", lambda key: (read.append(key), reader(key))[1])
    assert baseline_of(store, "nightly-39") == "nightly-38"
    assert len(read) <= 3


def test_without_one_the_run_is_named(store: Store) -> None:
    put(store, "first")
    with pytest.raises(InvalidInput, match="no finished run of sweep nightly before first"):
        baseline_of(store, "first")
    with pytest.raises(InvalidInput, match="has no run gone"):
        baseline_of(store, "gone")
