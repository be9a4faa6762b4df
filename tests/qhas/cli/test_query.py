"""`qhas query`: tables, CSV and JSON, and what it refuses."""

from __future__ import annotations

import json

import pytest

from qhas.cli import waiting
from qhas.history import append
from tests.qhas.cli.desk import Desk
from tests.qhas.nights import run_of, simulated

SITE = ("--site", "site.yaml")
QUESTION = "select network, time_us, '=1+1' as note from cells order by date"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A desk whose store has three nights."""
    for night in range(3):
        append(desk.store, run_of(night), [simulated(night)])
    return desk


def test_the_answer_is_a_table_of_as_many_rows_as_wanted(desk: Desk) -> None:
    done = desk.run("query", QUESTION, "--rows", "2", *SITE)
    assert done.exit_code == 0, done.output
    assert done.stdout.count("=1+1") == 2
    assert "1 more rows" in done.stderr


def test_csv_has_every_row_and_no_formula(desk: Desk) -> None:
    lines = desk.run("query", QUESTION, "--csv", "--rows", "1", *SITE).stdout.splitlines()
    assert lines[0] == "network,time_us,note"
    assert [line.rpartition(",")[2] for line in lines[1:]] == ["'=1+1"] * 3


def test_json_is_one_document(desk: Desk) -> None:
    document = json.loads(desk.run("query", "select * from cells", "--json", *SITE).stdout)
    assert len(document["rows"]) == 3


def test_json_has_nothing_that_json_does_not_know(desk: Desk) -> None:
    question = "select 1e0 / 0 as up, 'nan'::double as no, [{'a': [1e0 / 0, 2]}] as within"
    printed = desk.run("query", question, "--json", *SITE).stdout
    row = {"up": None, "no": None, "within": [{"a": [None, 2.0]}]}
    assert json.loads(printed, parse_constant=pytest.fail)["rows"] == [row]


def test_json_of_no_row_is_a_document_too(desk: Desk) -> None:
    assert json.loads(desk.run("query", "select 1 where false", "--json", *SITE).stdout) == {"rows": []}


@pytest.mark.parametrize(
    "arguments",
    [
        ("drop table cells",),
        ("select * from nowhere",),
        (QUESTION, "--csv", "--json"),
        ("select '290000-01-01'::date as no_date_of_python",),
        ("select interval 90000000000 days", "--csv"),
        ("select '290000-01-01'::timestamp as t", "--json"),
    ],
)
def test_what_is_no_question_ends_in_one_sentence(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk.refused("query", *arguments, *SITE).endswith(".")


def test_an_answer_of_more_columns_than_a_terminal_has_room_for_stands_on_its_side(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qhas.cli.query.console.width", 80, raising=False)
    columns = ", ".join(f"{number} as column_{number}" for number in range(20))
    result = desk.run("query", f"select {columns}", "--site", "site.yaml")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["column_19", "19"] in lines
    none = desk.run("query", f"select * from (select {columns}) where column_1 = 7", "--site", "site.yaml")
    assert none.stdout.startswith("No rows of column_0, column_1,")


def test_who_waits_for_an_answer_is_told_how_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.05)
    done = desk.run("query", "select count(*) from range(10000000000000)", "--timeout", "1", *SITE)
    assert done.exit_code == 2
    assert "waiting for the answer, which is computed for up to 1 s; stop it with Ctrl-C" in done.stderr
    assert "no answer after 1 s" in done.stderr
