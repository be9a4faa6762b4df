"""Verdicts and history on a report are those in the store."""

from __future__ import annotations

from datetime import timedelta

from fakes.records import MOMENT, latency, measured, record, run_record
from qhas.history import append
from qhas.profile.figures import LATENCY, PEAK_VTCM, Figure
from qhas.report.stored_findings import read_findings
from qhas.report.summary import summary
from qhas.runs.record import CellRecord, Origin
from qhas.store import Store
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import write_verdicts

KEY = record().cell.key


def put(store: Store, night: int, value: float, **changes: object) -> CellRecord:
    moment = MOMENT + timedelta(days=night)
    run = run_record(run_id=f"nightly-{night}", started_at=moment, finished_at=moment)
    cell = measured(run_id=run.run_id, finished_at=moment, latency=latency(value, value, value), **changes)
    append(store, run, [cell])
    return cell


def verdict(kind: Verdict, metric: Figure, since: str | None = None) -> CellVerdict:
    named = {"cell": KEY, "run_id": "nightly-3", "origin": Origin.DEVICE, "value": 1.0, "sentence": "Slower."}
    return CellVerdict(**named, metric=metric, verdict=kind, since_run=since)


def test_the_history_of_a_cell_ends_with_the_run_that_is_reported(store: Store) -> None:
    cells = [put(store, night, 100.0 + night) for night in range(6)]
    run = run_record(run_id="nightly-3", started_at=MOMENT + timedelta(days=3))
    (history,) = read_findings(store, run, cells[3:4]).histories[KEY]
    assert [(point.run_id, point.value) for point in history.points] == [
        (f"nightly-{night}", 100.0 + night) for night in range(4)
    ]
    assert history.title == "Median latency, µs"
    assert {point.segment for point in history.points} == {"SDK 2.45.0 · oneplus13"}


def test_figures_of_the_other_origin_are_no_history_of_a_cell(store: Store) -> None:
    put(store, 0, 100.0)
    simulated = record(run_id="nightly-1")
    run = run_record(run_id="nightly-1", started_at=MOMENT + timedelta(days=1))
    append(store, run, [simulated])
    (history,) = read_findings(store, run, [simulated]).histories[KEY]
    assert [point.value for point in history.points] == [1371]


def test_what_a_run_says_is_marked_where_it_began_and_now(store: Store) -> None:
    cells = [put(store, night, 100.0) for night in range(4)]
    write_verdicts(
        store,
        "nightly-3",
        [verdict(Verdict.SUSTAINED, LATENCY, "nightly-1"), verdict(Verdict.CHANGED, PEAK_VTCM)],
    )
    run = run_record(run_id="nightly-3", started_at=MOMENT + timedelta(days=3))
    found = read_findings(store, run, cells[3:])
    (history,) = found.histories[KEY]
    assert [point.verdict for point in history.points] == [None, Verdict.SUSTAINED, None, Verdict.SUSTAINED]
    assert len(found.verdicts[KEY]) == 2
    assert "1 sustained" in found.morning


def test_a_store_without_history_and_verdicts_has_nothing_to_say(store: Store) -> None:
    found = read_findings(store, run_record(), [record()])
    assert (found.morning, dict(found.verdicts), dict(found.histories)) == ("", {}, {})


def test_a_file_of_the_history_that_cannot_be_read_is_told_in_the_summary(store: Store) -> None:
    record_of_cell = put(store, 0, 100.0)
    store.write("history/date=2026-03-01/broken.parquet", b"")
    run = run_record(run_id="nightly-0")
    found = read_findings(store, run, [record_of_cell])
    (*_, last) = summary(run, [record_of_cell], found)
    assert "history/date=2026-03-01/broken.parquet cannot be read (it is empty)" in last
    assert len(found.histories[KEY]) == 1
