"""A run's page begins with at most three sentences, three numbers and one next action."""

from __future__ import annotations

from typing import Any

from fakes.records import metrics, model, record, run_record
from qhas.failures import FailureKind
from qhas.report.findings import Findings
from qhas.report.lead import lead
from qhas.report.run_page import run_page
from qhas.runs.record import CellRecord, GraphRecord, Origin, SweepState
from qhas.sweep.spec import Cell
from qhas.verdict.model import JUDGED, CellVerdict, Verdict
from tests.qhas.report.page import Page


def cells(*changes: dict[str, Any]) -> list[CellRecord]:
    named = [Cell(model=model(f"net{number}"), soc="sm8750") for number in range(len(changes))]
    return [record(cell, **change) for cell, change in zip(named, changes, strict=True)]


def worse(cell: CellRecord) -> dict[str, list[CellVerdict]]:
    one = CellVerdict(
        run_id=cell.run_id,
        cell=cell.cell.key,
        metric=JUDGED["time_us"],
        origin=Origin.SIMULATOR,
        verdict=Verdict.NEW,
        value=1,
        sentence="It is slower.",
    )
    return {cell.cell.key: [one]}


def test_a_good_first_run_says_what_ran_what_is_slowest_and_to_run_it_again() -> None:
    some = cells({"metrics": metrics(time_us=100)}, {"metrics": metrics(time_us=900)})
    head = lead(run_record(2), some, Findings())
    assert head.sentences[0] == "2 networks on 1 SoC, simulated."
    assert head.sentences[1] == "Every cell is good."
    assert head.sentences[2].startswith("Slowest is net1 on sm8750: 900 µs estimated; ")
    assert [number.text for number in head.numbers] == ["2 of 2", "0", "900 µs"]
    assert head.action.sentence.startswith("Run it again")


def test_a_cell_of_two_graphs_is_one_cell_of_one_variant() -> None:
    graphs = [
        GraphRecord(name=name, folder=name, schematic_sha256="0" * 64, metrics=metrics(time_us=time))
        for name, time in (("decode", 100), ("prefill", 900))
    ]
    (whole,) = cells({"graphs": graphs})
    head = lead(run_record(1), whole.by_graph(), Findings())
    assert head.sentences[0] == "1 network on 1 SoC, simulated."
    assert head.numbers[0].text == "1 of 1"


def test_a_failure_is_the_next_thing_to_look_at() -> None:
    some = cells({}, {"failure": FailureKind.LOG_EMPTY})
    head = lead(run_record(2, 1), some, Findings())
    assert head.action.sentence.startswith("Log empty, first in net1 on sm8750: ")
    assert head.action.href == "cells/net1/sm8750/default/index.html"
    assert (head.numbers[1].text, head.numbers[1].of) == ("1", "log empty")


def test_a_worse_cell_is_compared_with_the_run_before() -> None:
    some = cells({}, {})
    head = lead(run_record(2), some, Findings(verdicts=worse(some[1]), baseline="nightly-0"))
    assert head.action.command == "qhas compare nightly-0/net1/sm8750/default nightly-1/net1/sm8750/default"


def test_missing_cells_are_completed_under_the_same_id() -> None:
    head = lead(run_record(3, state=SweepState.CANCELLED), cells({}), Findings())
    assert head.action.command.endswith("--run-id nightly-1")


def test_nothing_to_do_is_said() -> None:
    assert lead(run_record(1), cells({}), Findings(baseline="nightly-0")).action.sentence == "Nothing to do."


def test_whatever_a_run_says_its_page_begins_with_at_most_three_sentences_and_three_numbers() -> None:
    some = cells({}, {"failure": FailureKind.LOG_EMPTY}, {})
    found = Findings(morning="One.", unreadable=["a file"], verdicts=worse(some[0]))
    head = lead(run_record(5, 1), some, found)
    assert (len(head.sentences), len(head.numbers)) == (3, 3)
    assert head.more
    text = Page(run_page(run_record(5, 1), some, found)).text
    assert all(sentence in text for sentence in (*head.sentences, *head.more, head.action.sentence))
