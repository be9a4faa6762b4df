"""The method keeps its promises on histories whose truth is known; docs/verdicts.md has the full table."""

from __future__ import annotations

import numpy as np
import pytest

from bench.synthetic import REFERENCE, SCENARIOS, STEP, make
from bench.verdicts import Score, score

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
VERDICTS = "verdicts"


def scores(name: str) -> dict[str, Score]:
    return score(BY_NAME[name], seeds=1, series=150, nights=45, at=35)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        (REFERENCE, 0.1),
        pytest.param("steady, noisy: 3 %", 0.3, marks=pytest.mark.slow),
        pytest.param("steady, slow mode: 15 % of runs 12 % slower", 1.5, marks=pytest.mark.slow),
        pytest.param("steady, two devices 4 % apart", 0.1, marks=pytest.mark.slow),
        pytest.param("a device moves by 6 %", 0.3, marks=pytest.mark.slow),
    ],
)
def test_false_alarms_are_rare_where_nothing_has_changed(name: str, most: float) -> None:
    assert scores(name)[VERDICTS].false_per_1000 <= most


def test_a_step_of_five_percent_is_found_within_two_nights_where_plain_rules_see_none() -> None:
    found = scores(STEP)
    soon = found[VERDICTS].found_soon
    assert soon is not None
    assert soon >= 0.93  # 15 steps: at most one late
    assert found[VERDICTS].false_per_1000 <= 0.2
    assert found["10 % worse than yesterday"].found_soon == 0
    assert found["t-test of inferences"].false_per_1000 > 100
    assert found["t-test of nights"].false_per_1000 > 3


def test_a_new_sdk_is_no_alarm() -> None:
    assert scores("new SDK, everything 6 % slower")[VERDICTS].false_per_1000 <= 0.1


def test_histories_are_what_they_say() -> None:
    steady = make(BY_NAME[REFERENCE], series=200, nights=50, at=40, seed=3)
    nights = np.log(steady.median)
    assert np.std(nights - nights.mean(axis=1, keepdims=True)) == pytest.approx(0.01, rel=0.05)
    assert not steady.changed.any()
    stepped = make(BY_NAME[STEP], series=200, nights=50, at=40, seed=3)
    logs = np.log(stepped.median)
    jump = logs[:, 40:].mean(axis=1) - logs[:, :40].mean(axis=1)
    assert jump[stepped.changed] == pytest.approx(np.log(1.05), abs=0.015)
    assert jump[~stepped.changed] == pytest.approx(0, abs=0.015)
    assert stepped.changed.sum() == 20


def test_equal_seeds_give_equal_histories() -> None:
    one, other = (make(BY_NAME[STEP], series=5, nights=9, at=4, seed=seed) for seed in (7, 7))
    assert (one.median == other.median).all()
