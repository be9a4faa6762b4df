"""Accepting a level, once or twice, and withdrawing it: in the store, in verdicts, and on the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fakes.records import metrics
from qhas.failures import InvalidInput
from qhas.history import append
from qhas.profile.figures import DRAM_READ
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.accepted import read_accepted
from qhas.runs.record import CellRecord, SweepState
from qhas.runs.stored import load_run, read_run
from qhas.store import Store
from qhas.upkeep.accept import accept, take_back
from qhas.verdict.judge import judge_run
from qhas.verdict.model import Verdict
from qhas.verdict.stored import read_verdicts
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

FAST = [Made("conv"), Made("add", "Add")]
WHY = "<b>the new kernel</b> moves more"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three nights, of which the last two read more from DRAM."""
    store = Store(str(tmp_path / "store"))
    for night, dram in enumerate((1000, 4000, 4000)):
        run_id = f"nightly-{night}"
        changes = {"net": {"metrics": metrics(dram_read=dram)}}
        store_run(
            store, run_id, {"net": [*FAST, replace(FAST[0], name=f"c{night}")]}, day=night, changes=changes
        )
        run, cells = load_run(store, run_id)
        append(store, run, cells)
        judge_run(store, run, cells)
    return store


def cell_of(store: Store, run_id: str) -> CellRecord:
    return load_run(store, run_id)[1][0]


def verdict(store: Store, run_id: str) -> Verdict:
    return next(one.verdict for one in read_verdicts(store, run_id) if one.metric is DRAM_READ)


def test_an_accepted_level_is_the_baseline_of_its_night_and_of_those_since(store: Store) -> None:
    assert [verdict(store, f"nightly-{night}") for night in (1, 2)] == [Verdict.NEW, Verdict.SUSTAINED]
    accept(store, cell_of(store, "nightly-1"), "ana", WHY)
    assert [verdict(store, f"nightly-{night}") for night in (1, 2)] == [Verdict.ACCEPTED, Verdict.STEADY]


def test_accepting_again_changes_nothing_and_taking_back_restores_all(store: Store) -> None:
    first = accept(store, cell_of(store, "nightly-1"), "ana", WHY)
    assert accept(store, cell_of(store, "nightly-1"), "ben", "another reason") == first
    gone = take_back(store, cell_of(store, "nightly-1"), "cem")
    assert take_back(store, cell_of(store, "nightly-1"), "dora") == gone
    assert gone.full_sentence.endswith(f"taken back by cem on {gone.withdrawn.at.date()}.")  # type: ignore[union-attr]
    assert read_accepted(store, "nightly") == []
    assert verdict(store, "nightly-2") is Verdict.SUSTAINED
    assert accept(store, cell_of(store, "nightly-1"), "ben", "after all").by == "ben"
    assert verdict(store, "nightly-2") is Verdict.STEADY


def test_who_and_why_stand_on_the_pages_as_text(store: Store) -> None:
    for run_id in ("nightly-1", "nightly-2"):
        publish_report(store, *load_run(store, run_id))
    accept(store, cell_of(store, "nightly-1"), "ana", WHY)
    for run_id in ("nightly-1", "nightly-2"):
        for page in ("index.html", "cells/net/sm8750/default/index.html"):
            text = (store.read(keys.report(run_id, page)) or b"").decode()
            assert "ana" in text
            assert "&lt;b&gt;the new kernel&lt;/b&gt; moves more" in text
            assert WHY not in text


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 600])
def test_a_reason_that_is_none_is_refused_in_one_sentence(store: Store, reason: str) -> None:
    with pytest.raises(InvalidInput, match="reason") as refused:
        accept(store, cell_of(store, "nightly-1"), "ana", reason)
    assert "\n" not in str(refused.value)
    assert read_accepted(store, "nightly") == []


def test_a_failed_cell_a_run_under_way_and_nothing_accepted_are_refused(store: Store) -> None:
    record = cell_of(store, "nightly-1")
    with pytest.raises(InvalidInput, match="Nothing was accepted for nightly-1/net/sm8750/default"):
        take_back(store, record, "ana")
    with pytest.raises(InvalidInput, match="no level to accept"):
        accept(store, record.model_copy(update={"status": "failed"}), "ana", WHY)
    run = read_run(store, "nightly-1")
    assert run
    under_way = run.model_copy(update={"state": SweepState.RUNNING})
    store.write(keys.sweep_record("nightly-1"), under_way.model_dump_json().encode())
    with pytest.raises(InvalidInput, match="is running"):
        accept(store, record, "ana", WHY)
