"""`qhas runs`: which runs it lists, and how other commands refer to a run."""

from __future__ import annotations

import json

import pytest

from qhas.cli import screen
from qhas.runs.record import SweepState
from tests.qhas.cli.desk import Desk
from tests.qhas.runs.test_baseline import put

SITE = ("--site", "site.yaml")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A desk whose store has two nights, a run of another sweep, and a night still in progress."""
    put(desk.store, "nightly-1", 0)
    put(desk.store, "nightly-2", 1)
    put(desk.store, "by-hand", 2, name="trial")
    put(desk.store, "nightly-3", 3, report=False, state=SweepState.RUNNING)
    return desk


def listed(desk: Desk, *options: str) -> list[str]:
    done = desk.run("runs", *options, *SITE, "--json")
    assert done.exit_code == 0, done.output
    return [line["run_id"] for line in json.loads(done.stdout)["runs"]]


def test_all_runs_are_listed_the_last_first(desk: Desk) -> None:
    assert listed(desk) == ["nightly-3", "by-hand", "nightly-2", "nightly-1"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("nightly",), ["nightly-3", "nightly-2", "nightly-1"]),
        (("tri*",), ["by-hand"]),
        (("--state", "running"), ["nightly-3"]),
        (("--last", "1"), ["nightly-3"]),
    ],
)
def test_they_are_chosen_by_sweep_state_and_number(
    desk: Desk, options: tuple[str, ...], expected: list[str]
) -> None:
    assert listed(desk, *options) == expected


def test_the_table_never_cuts_an_id(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen.console, "width", 160)
    put(desk.store, run_id := f"{'n' * 74}-20261128T220000Z-0badcafe", 9)
    assert run_id in desk.run("runs", *SITE).stdout


def test_a_store_without_runs_says_so(desk: Desk) -> None:
    desk.site({"store": "empty"})
    assert "has no run yet" in desk.run("runs", *SITE).stdout.replace("\n", " ")


def test_show_takes_the_latest_and_the_beginning_of_an_id(desk: Desk) -> None:
    for name, run_id in (("latest", "nightly-3"), ("by-", "by-hand")):
        document = json.loads(desk.run("show", name, *SITE, "--json").stdout)
        assert document["run"]["run_id"] == run_id


def test_an_unknown_run_names_near_ones(desk: Desk) -> None:
    assert "near it: nightly-" in desk.refused("show", "nigtly-1", *SITE)


def test_a_run_of_the_demo_is_told_where_it_lies(desk: Desk) -> None:
    (desk.folder / "qhas-demo").mkdir()
    (desk.folder / "qhas-demo" / "site.yaml").write_text("{store: store}")
    said = desk.refused("show", "demo-20261128T220000Z-aa", *SITE)
    assert "add --site qhas-demo/site.yaml" in said


def test_pinning_says_what_it_did(desk: Desk) -> None:
    assert "Run nightly-2 keeps every file" in desk.run("pin", "nightly-2", *SITE).stdout
    assert "Run nightly-2 is pruned like any other" in desk.run("pin", "nightly-2", "--off", *SITE).stdout
