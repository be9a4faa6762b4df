"""Figures without noise: any difference counts, on its first night."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from qhas.verdict.exact import ExactLadder
from qhas.verdict.ladder import REMEMBERED
from qhas.verdict.model import Verdict
from tests.qhas.verdict.test_ladder import at


def verdicts(*values: float, less_is_better: bool | None = True) -> list[str]:
    ladder = ExactLadder(less_is_better)
    return [str(ladder.step(at(night, value)).verdict) for night, value in enumerate(values)]


def test_one_more_is_new_on_its_first_night_and_sustained_after() -> None:
    assert verdicts(4, 4, 5, 5, 5) == ["insufficient_data", "steady", "new", "sustained", "sustained"]


def test_the_second_run_is_judged_already() -> None:
    assert verdicts(4, 5) == ["insufficient_data", "new"]


def test_back_to_the_value_before_has_recovered() -> None:
    assert verdicts(4, 5, 5, 4, 4) == ["insufficient_data", "new", "sustained", "recovered", "steady"]


def test_less_is_improved_and_then_steady() -> None:
    assert verdicts(4, 3, 3) == ["insufficient_data", "improved", "steady"]


def test_a_part_of_the_way_back_is_an_improvement_and_the_rest_is_sustained() -> None:
    assert verdicts(4, 8, 6) == ["insufficient_data", "new", "improved"]


def test_what_has_no_better_is_changed() -> None:
    assert verdicts(4, 5, 5, 3, less_is_better=None) == ["insufficient_data", "changed", "steady", "changed"]


def test_what_comes_and_goes_is_flaky_from_the_third_change_on() -> None:
    assert verdicts(4, 5, 4, 5, 4)[3:] == ["flaky", "flaky"]


def test_a_regression_is_how_things_are_after_a_month() -> None:
    found = verdicts(4, *[5.0] * (REMEMBERED + 4))
    assert found[REMEMBERED + 1] == "sustained"
    assert found[-1] == "steady"


@pytest.mark.parametrize("start", [0.0, 7.0])
def test_a_count_may_begin_at_nothing(start: float) -> None:
    ladder = ExactLadder(less_is_better=True)
    ladder.step(at(0, start))
    told = ladder.step(replace(at(1, start + 1), sdk="2.46"))
    assert (told.verdict, told.off) == ("new", 1.0)
    assert told.before is not None
    assert told.before.sdk == "2.45"


def test_half_a_repair_says_what_is_left_and_is_sustained_until_it_is_back() -> None:
    ladder = ExactLadder(less_is_better=True)
    told = [ladder.step(at(night, value)) for night, value in enumerate([100, 100, 120, 109, 109, 100])]
    assert [one.verdict for one in told[2:]] == [
        Verdict.NEW,
        Verdict.IMPROVED,
        Verdict.SUSTAINED,
        Verdict.RECOVERED,
    ]
    assert told[3].unrepaired == pytest.approx(math.log(1.09))
    assert told[4].off == 9
