"""Agreement figures match an independent formula, and behave sensibly at its edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

from qhas.accuracy.agreement import MOST_DECIBELS, BestClasses, Sums, Values, agreement

RANDOM = np.random.default_rng(11)


@pytest.mark.parametrize("size", [1, 1000, (1 << 20) + 5])
def test_figures_are_those_of_the_textbook(size: int) -> None:
    wanted = RANDOM.normal(size=size).astype(np.float32)
    given = wanted + RANDOM.normal(size=size, scale=0.01).astype(np.float32)
    measured = agreement(wanted, given)
    exact, error = wanted.astype(np.float64), given.astype(np.float64) - wanted
    cosine = exact @ given / np.linalg.norm(exact) / np.linalg.norm(given.astype(np.float64))
    assert measured.cosine == pytest.approx(cosine, abs=1e-9)
    assert measured.sqnr_db == pytest.approx(10 * math.log10((exact @ exact) / (error @ error)), abs=1e-6)
    assert measured.max_abs_error == np.abs(error).max()


def test_twice_the_values_are_at_no_decibel_and_in_line() -> None:
    wanted = RANDOM.normal(size=(4, 5))
    measured = agreement(wanted, 2 * wanted)
    assert measured.cosine == pytest.approx(1)
    assert measured.sqnr_db == pytest.approx(0)


def test_the_same_values_have_the_most_decibels() -> None:
    assert agreement(np.ones(3), np.ones(3))[:3] == (1.0, MOST_DECIBELS, 0.0)
    assert agreement(np.zeros(3), np.zeros(3))[:3] == (1.0, MOST_DECIBELS, 0.0)


def test_something_where_nothing_should_be_has_the_least() -> None:
    assert agreement(np.zeros(3), np.ones(3))[:3] == (0.0, -MOST_DECIBELS, 1.0)


def test_what_is_not_finite_in_the_reference_is_left_out() -> None:
    measured = agreement(np.array([1.0, -np.inf, np.nan]), np.array([1.0, -65504.0, 0.0]))
    assert (measured.sqnr_db, measured.left_out) == (MOST_DECIBELS, 2)


def test_what_overflows_is_told_and_counted() -> None:
    with pytest.raises(ValueError, match="2 of 3 values are infinite"):
        agreement(np.ones(3), np.array([1.0, np.inf, np.nan]))


def test_pairs_are_held_against_each_other_as_one() -> None:
    wanted = [RANDOM.normal(size=(2, 5), scale=scale) for scale in (1, 100, 0.01)]
    given = [each + RANDOM.normal(size=each.shape, scale=0.05) for each in wanted]
    sums = Sums()
    for pair in zip(wanted, given, strict=True):
        sums.add(*pair)
    assert sums.agreement == pytest.approx(agreement(np.concatenate(wanted), np.concatenate(given)))


def classes(*pairs: tuple[Values, Values]) -> tuple[float, float | None]:
    counted = BestClasses()
    for pair in pairs:
        counted.add(*pair)
    return counted.percent


def test_classes_agree_where_the_best_is_the_same() -> None:
    wanted = np.array([[0.1, 0.9, 0, 0, 0, 0, 0], [0.9, 0.1, 0, 0, 0, 0, 0]])
    given = np.array([[0.1, 0.8, 0, 0, 0, 0, 0], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]])
    assert classes((wanted, given)) == (50.0, 50.0)
    assert classes((wanted, given), (wanted, wanted)) == (75.0, 75.0)


def test_the_best_five_of_few_classes_say_nothing() -> None:
    assert classes((np.eye(3), np.eye(3))) == (100.0, None)
