"""A store's runs as lines, and a run found by what a user types."""

from __future__ import annotations

import pytest

from qhas.failures import InvalidInput
from qhas.runs import keys
from qhas.runs.listing import find_run, run_lines
from qhas.runs.record import SweepState
from qhas.store import Store
from tests.qhas.runs.test_baseline import put


def running(store: Store, run_id: str, days: int) -> None:
    put(store, run_id, days, report=False, state=SweepState.RUNNING)


def test_runs_with_and_without_a_report_are_listed_the_last_first(store: Store) -> None:
    put(store, "first", 0)
    running(store, "second", 1)
    put(store, "third", 2)
    assert [line.run_id for line in run_lines(store)] == ["third", "second", "first"]


@pytest.mark.parametrize("state", [SweepState.RUNNING, SweepState.CANCELLED])
def test_of_a_run_that_has_not_ended_nobody_knows_how_many_cells_are_good(
    store: Store, state: SweepState
) -> None:
    put(store, "open", report=False, state=state)
    (line,) = run_lines(store)
    assert line.good is None


def test_a_record_that_cannot_be_read_is_not_listed(store: Store) -> None:
    put(store, "whole")
    store.write(keys.sweep_record("strange"), b"{}")
    assert [line.run_id for line in run_lines(store)] == ["whole"]


@pytest.mark.parametrize("name", ["nightly-20261128T220000Z-aa", "nightly-20261128", "latest"])
def test_a_run_is_found_by_its_id_by_the_beginning_of_it_and_as_the_latest(store: Store, name: str) -> None:
    put(store, "nightly-20261127T220000Z-aa", 0)
    put(store, "nightly-20261128T220000Z-aa", 1)
    assert find_run(store, name) == "nightly-20261128T220000Z-aa"


def test_an_id_that_is_also_the_beginning_of_others_is_that_run(store: Store) -> None:
    put(store, "nightly")
    put(store, "nightly-2", 1)
    assert find_run(store, "nightly") == "nightly"


def test_a_beginning_of_several_names_them(store: Store) -> None:
    for day in range(5):
        put(store, f"nightly-{day}", day)
    with pytest.raises(
        InvalidInput, match=r"5 runs begin with night: nightly-4, nightly-3, nightly-2 and 2 more"
    ):
        find_run(store, "night")


def test_an_unknown_run_names_those_near_it(store: Store) -> None:
    put(store, "nightly-1")
    with pytest.raises(InvalidInput, match=r"has no run nigthly-1; near it: nightly-1\."):
        find_run(store, "nigthly-1")


def test_a_store_without_runs_says_so(store: Store) -> None:
    with pytest.raises(InvalidInput, match="has no run yet"):
        find_run(store, "latest")
    with pytest.raises(InvalidInput, match="has no run one; it has no runs"):
        find_run(store, "one")


@pytest.mark.parametrize("name", ["../up", "/up", "two\nlines"])
def test_a_name_that_is_no_plain_one_is_refused(store: Store, name: str) -> None:
    with pytest.raises(InvalidInput, match="run id is not valid"):
        find_run(store, name)


def test_a_cell_in_place_of_a_run_is_told(store: Store) -> None:
    with pytest.raises(InvalidInput, match=r"^a/b.c looks like a cell; give only its run: a\.$"):
        find_run(store, "a/b\x1bc")


def test_what_is_left_of_a_run_is_found_by_its_id(store: Store) -> None:
    store.write(f"{keys.run('half')}/net/sa8255/default/manifest.json", b"{}")
    assert find_run(store, "half") == "half"


def test_a_mistyped_latest_is_told(store: Store) -> None:
    put(store, "nightly-1")
    with pytest.raises(InvalidInput, match="near it: latest"):
        find_run(store, "lates")
