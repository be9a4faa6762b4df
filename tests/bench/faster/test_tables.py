"""The bench of faster networks keeps each answer, and its tables hide no failure."""

from __future__ import annotations

from pathlib import Path

from bench.faster.agreement import Case, layouts, precisions
from bench.faster.kept import Kept, Question
from bench.faster.tables import table
from qhas.advise.model import Advice, Attempt, Verdict


def advice() -> Advice:
    helped = Attempt(name="fold", sentence="", source="", verdict=Verdict.HELPED, gain_percent=-20)
    useless = Attempt(name="pad", sentence="", source="", verdict=Verdict.NO_HELP, gain_percent=1.5)
    return Advice(
        network="net", soc="sa8255", sdk="2.51", before_us=100, after_us=80, together=["fold"], error=1e-7,
        attempts=[helped, useless], truth="no expectation",
    )  # fmt: skip


def test_an_answer_is_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    Kept(tmp_path).put(Question.TUNE, "net", "sa8255", {"left_out": "too slow"})
    again = Kept(tmp_path)
    assert again.get(Question.TUNE, "net", "sa8255") == {"left_out": "too slow"}
    assert again.get(Question.ADVISE, "net", "sa8255") is None


def test_what_helped_and_what_did_not_and_what_is_left_out_stand_in_the_table(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put(Question.ADVISE, "net", "sa8255", advice().model_dump(mode="json"))
    kept.put(Question.ADVISE, "other", "sa8255", {"left_out": "it has no estimate"})
    rows = table(kept, Question.ADVISE, ["net", "other", "unasked"], ["sa8255"]).splitlines()[2:]
    assert rows == [
        "| net | sa8255 | 100 µs | 80 µs | −20 % | fold (−20 % alone) | pad +1.5 % | 1e-07 |",
        "| other | sa8255 | left out: it has no estimate |",
    ]


def test_two_that_both_call_the_second_form_faster_agree() -> None:
    assert Case("net", "phone", -0.5, -0.01).agrees
    assert not Case("net", "phone", -0.5, 0.01).agrees


def test_there_are_cases_of_both_kinds() -> None:
    assert len(list(precisions())) > 100
    assert len(list(layouts())) > 10
