"""The page that lists runs has every run on it, even if several end at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from fakes.records import MOMENT, record, run_record
from qhas.failures import FailureKind
from qhas.report.findings import Findings
from qhas.report.run_index import publish_entry
from qhas.runs.index import read_known
from qhas.runs.record import SweepState
from qhas.store import Store
from tests.qhas.report.page import Page


def put(store: Store, run_id: str, days: int = 0, **changes: object) -> None:
    run = run_record(run_id=run_id, started_at=MOMENT + timedelta(days=days), **changes)
    publish_entry(store, run, [record(run_id=run_id)], Findings())


def runs_on_page(store: Store) -> list[str]:
    content = store.read("reports/index.html")
    assert content is not None
    return [row["run"] for row in Page(content.decode()).table("run")]


def test_the_latest_run_comes_first(store: Store) -> None:
    for run_id, days in (("b", 2), ("a", 1), ("c", 3)):
        put(store, run_id, days)
    assert runs_on_page(store) == ["c", "b", "a"]


def test_a_run_that_was_completed_later_stands_there_once_as_it_is_now(store: Store) -> None:
    put(store, "a", failed=1, state=SweepState.PARTIAL)
    put(store, "a")
    page = Page((store.read("reports/index.html") or b"").decode())
    assert [(row["run"], row["state"]) for row in page.table("run")] == [("a", "complete")]
    assert len(store.objects("reports/index/a")) == 1


def test_runs_that_end_at_the_same_time_are_all_on_the_page(store: Store) -> None:
    names = [f"run-{number}" for number in range(12)]
    with ThreadPoolExecutor(len(names)) as threads:
        list(threads.map(lambda name: put(store, name), names))
    assert sorted(runs_on_page(store)) == sorted(names)


def test_a_page_that_was_overtaken_while_it_was_written_is_made_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow run lists the entries, then the quick one is added completely, then the slow one writes its page."""
    write, overtaken = store.write, threading.Event()

    def slow(key: str, content: bytes) -> bool:
        if key == "reports/index.html" and not overtaken.is_set():
            overtaken.set()
            put(store, "quick")
        return write(key, content)

    monkeypatch.setattr(store, "write", slow)
    put(store, "slow")
    assert sorted(runs_on_page(store)) == ["quick", "slow"]


def test_known_entries_are_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        put(store, f"run-{number}")
    read, asked = store.read, list[str]()
    monkeypatch.setattr(store, "read", lambda key: (asked.append(key), read(key))[1])
    put(store, "another")
    assert [key.split("/")[2] for key in asked if key.startswith("reports/index/")] == ["another"]


def test_lost_or_damaged_knowledge_costs_reading_only(store: Store) -> None:
    put(store, "a")
    store.write("reports/index.json", b"{ no JSON")
    put(store, "b")
    assert sorted(runs_on_page(store)) == ["a", "b"]


def test_an_entry_that_a_later_version_wrote_does_not_break_the_page(store: Store) -> None:
    store.write("reports/index/future/0.json", b'{"run_id": "future"}')
    put(store, "a")
    assert runs_on_page(store) == ["a"]


def test_a_line_says_what_needs_a_look(store: Store) -> None:
    run = run_record(2, 1, state=SweepState.PARTIAL)
    cells = [record(), record(failure=FailureKind.DISK)]
    publish_entry(store, run, cells, Findings())
    (row,) = Page((store.read("reports/index.html") or b"").decode()).table("run")
    assert (row["good"], row["failed"], row["figures"]) == ("1 of 2", "1", "simulator")
    assert "1 failed: 1 disk." in row["in short"]


def test_of_very_many_runs_the_page_has_the_latest(store: Store) -> None:
    put(store, "a")
    (entry,) = read_known(store).values()
    known = {
        f"reports/index/nightly-20260301T220000Z-{n:08}/0.json": entry.model_copy(
            update={
                "run_id": f"nightly-20260301T220000Z-{n:08}",
                "started_at": MOMENT + timedelta(days=n),
                "summary": "x" * 240,
            }
        )
        for n in range(1, 2001)
    }
    for key, one in known.items():
        store.write(key, one.model_dump_json().encode())
    put(store, "b", days=3000)
    content = store.read("reports/index.html") or b""
    assert len(content) < 1_000_000
    assert "1002 older ones" in content.decode()
    assert runs_on_page(store)[0] == "b"
