"""Acceptances in the store, and budgets that allow what was accepted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fakes.records import metrics
from qhas.profile.figures import Profile
from qhas.profile.origin import Origin
from qhas.runs.accepted import Acceptance, read_acceptances, read_accepted, with_accepted
from qhas.runs.budgets import check_budget
from qhas.runs.record import BudgetResult, BudgetState
from qhas.store import Store
from qhas.sweep.budget import Budget

CELL = "net/sm8750/default"


def acceptance(**changes: Any) -> Acceptance:
    named = {"sweep": "nightly", "run_id": "night-1", "cell": CELL, "night": date(2026, 3, 1), "by": "ana"}
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return Acceptance(**{**named, "at": at, "reason": "more accurate", **changes})


def put(store: Store, one: Acceptance, key: str | None = None) -> None:
    store.write(key or one.key, one.model_dump_json().encode())


def over(dram: int) -> list[BudgetResult]:
    budget = Budget.model_validate({"dram_read": 1000})
    return check_budget(budget, Profile(metrics(dram_read=dram)), Origin.SIMULATOR)


def test_acceptances_are_read_by_cell_by_sweep_and_all_the_oldest_first(store: Store) -> None:
    later = acceptance(run_id="night-2", night=date(2026, 3, 5))
    other = acceptance(sweep="weekly", cell="net/sa8255/default", night=date(2026, 3, 3))
    for one in (later, acceptance(), other):
        put(store, one)
    assert [one.run_id for one in read_acceptances(store, "nightly", CELL)] == ["night-1", "night-2"]
    assert [one.night.day for one in read_acceptances(store)] == [1, 3, 5]


def test_what_cannot_be_read_or_lies_at_anothers_place_says_nothing(store: Store) -> None:
    store.write("accepted/nightly/net/sm8750/default/night-9.json", b"{")
    put(store, acceptance(), "accepted/nightly/net/sm8750/default/night-3.json")
    assert read_accepted(store, "nightly") == []


@pytest.mark.parametrize("field", [{"reason": ""}, {"reason": "x" * 501}, {"by": ""}, {"sweep": "../a"}])
def test_who_and_why_are_told_and_bounded(field: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        acceptance(**field)


def test_a_limit_broken_by_what_was_accepted_is_accepted_and_says_by_whom() -> None:
    (result,) = with_accepted(over(1500), [acceptance(budgets={"dram_read": 1500.0})])
    assert result.state is BudgetState.ACCEPTED
    assert not result.broken
    assert result.sentence.endswith("at most 1.0 kB; accepted by ana on 2026-03-02: more accurate.")


@pytest.mark.parametrize("accepted", [[], [acceptance()], [acceptance(budgets={"dram_read": 1200.0})]])
def test_a_limit_broken_by_more_or_by_another_figure_is_over(accepted: list[Acceptance]) -> None:
    (result,) = with_accepted(over(1500), accepted)
    assert result.state is BudgetState.OVER


def test_of_several_the_last_one_counts() -> None:
    first, last = acceptance(budgets={"dram_read": 2000.0}), acceptance(budgets={"dram_read": 1200.0})
    assert with_accepted(over(1500), [first, last])[0].state is BudgetState.OVER


def test_files_under_no_names_of_ours_keep_nobody_from_reading(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    put(store, acceptance())
    for name in ("con.json", "a b.json", "\u202ex.json"):
        (tmp_path / "accepted" / name).write_text("{}")
    assert len(read_accepted(store, "nightly")) == len(read_acceptances(store)) == 1
