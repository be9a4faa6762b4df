"""Series that become a little slower every night."""

from __future__ import annotations

import random

import pytest

from qhas.verdict.drift import LongMemory
from qhas.verdict.model import Verdict
from qhas.verdict.sentences import verdict_of
from tests.qhas.verdict.test_ladder import KEY, at, told


def drifting(rate: float, *, steady: int, nights: int, noise: float = 0.005, seed: int = 7) -> list[float]:
    """Latencies of steady nights, then of drifting ones."""
    draw = random.Random(seed)
    return [
        1000 * (1 + rate) ** max(0, night - steady) * (1 + draw.gauss(0, noise))
        for night in range(steady + nights)
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("steady", [40, 80])
def test_a_tenth_of_a_percent_a_night_is_found_within_forty_nights_with_its_rate(
    seed: int, steady: int
) -> None:
    values = drifting(0.001, steady=steady, nights=40, seed=seed)
    found = told(at(night, value) for night, value in enumerate(values))
    first = next(one for one in found if one.verdict is Verdict.DRIFTING)
    assert first.since is first.point
    assert not any(one.verdict in (Verdict.NEW, Verdict.DRIFTING) for one in found[:steady])
    last = verdict_of(KEY, found[-1])
    assert last.verdict is Verdict.DRIFTING
    assert last.rate_percent == pytest.approx(0.1, abs=0.03)
    assert " % a night, against the nights of 40 to 120 days ago" in last.sentence
    assert last.since_run == first.point.run_id


def test_what_gets_faster_does_not_drift() -> None:
    values = drifting(-0.001, steady=60, nights=40)
    assert not any(one.verdict is Verdict.DRIFTING for one in told(at(n, v) for n, v in enumerate(values)))


def test_a_step_that_was_told_is_no_drift_when_it_is_no_longer_sustained() -> None:
    values = [1000.0 + night % 7 for night in range(60)] + [1080.0 + night % 7 for night in range(60)]
    found = told(at(night, value) for night, value in enumerate(values))
    assert sum(one.verdict is Verdict.NEW for one in found) == 1
    assert not any(one.verdict is Verdict.DRIFTING for one in found)


@pytest.mark.parametrize("seed", range(4))
def test_a_mode_that_stays_for_some_nights_of_a_fortnight_is_no_drift(seed: int) -> None:
    """Slow on six nights of the last week and four of the one before: the mean is off, the best nights are not."""
    values = drifting(0, steady=80, nights=14, seed=seed)
    for night in (80, 81, 83, 84, 87, 88, 89, 91, 92, 93):
        values[night] *= 1.06
    found = told(at(night, value) for night, value in enumerate(values))
    assert not any(one.verdict is Verdict.DRIFTING for one in found)


@pytest.mark.parametrize("nights", [11, 12, 14, 20])
def test_two_levels_one_after_the_other_are_no_drift_however_long_the_second_stays(nights: int) -> None:
    memory = LongMemory()
    for night, value in enumerate(drifting(0, steady=64, nights=nights)):
        memory.keep(at(night, value * (1.12 if night >= 64 else 1)))
        assert memory.drift(at(night, value)) is None


def test_a_drift_is_told_from_two_levels_though_both_end_at_the_same() -> None:
    memory = LongMemory()
    values = drifting(0.001, steady=60, nights=41)
    for night, value in enumerate(values):
        memory.keep(at(night, value))
    assert memory.drift(at(len(values) - 1, values[-1])) is not None
