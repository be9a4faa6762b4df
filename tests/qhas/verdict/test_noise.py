"""The statistics, compared with known answers."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
import scipy  # it imports scipy.stats only when that is used
from hypothesis import given
from hypothesis import strategies as st

from qhas.verdict.noise import LEAST_SIGMA, scale, surprises


def test_the_scale_of_normal_nights_is_their_standard_deviation() -> None:
    numbers = random.Random(1)
    found = scale([[numbers.gauss(5, 0.02) for _ in range(4000)]])
    assert found.sigma == pytest.approx(0.02, rel=0.05)


def test_levels_apart_are_no_noise() -> None:
    numbers = random.Random(2)
    groups = [[numbers.gauss(level, 0.01) for _ in range(500)] for level in (1.0, 2.0, 3.0)]
    assert scale(groups).sigma == pytest.approx(0.01, rel=0.1)


def test_wild_nights_hardly_widen_it() -> None:
    numbers = random.Random(3)
    quiet = [numbers.gauss(0, 0.01) for _ in range(1000)]
    assert scale([quiet + [0.5] * 50]).sigma == pytest.approx(scale([quiet]).sigma, rel=0.1)


def test_equal_nights_do_not_mean_no_noise() -> None:
    assert scale([[1.0] * 10]).sigma == LEAST_SIGMA


def test_one_surprise_among_many_series_counts_for_less_than_alone() -> None:
    (alone,) = surprises([4.0], [15.0], tests=1)
    first, *_ = surprises([4.0, *[0.5] * 299], [15.0] * 300, tests=1)
    assert alone == pytest.approx(0.00116, rel=0.02)  # Student's t, two-sided
    assert first == pytest.approx(300 * alone, rel=1e-6)


def test_many_surprises_support_each_other() -> None:
    found = surprises([4.0] * 150 + [0.5] * 150, [15.0] * 300, tests=1)
    assert max(found[:150]) < 0.003


def test_no_series_no_surprise() -> None:
    assert surprises([], [], tests=3) == []


@given(
    st.lists(st.tuples(st.floats(-60, 60), st.floats(0.5, 1e9)), min_size=1, max_size=30), st.integers(1, 3)
)
def test_surprises_are_those_of_scipys_own_tests(series: list[tuple[float, float]], tests: int) -> None:
    z, freedom = zip(*series, strict=True)
    p = (2 * tests * scipy.stats.t.sf([abs(value) for value in z], freedom)).clip(0, 1)
    assert surprises(z, freedom, tests) == [*scipy.stats.false_discovery_control(p, method="bh")]


def test_a_night_is_judged_without_all_of_scipys_statistics() -> None:
    asked = "import sys; from qhas.verdict.noise import surprises; surprises([4.0], [15.0], 1); print('scipy.stats' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", asked], text=True).strip() == "False"
