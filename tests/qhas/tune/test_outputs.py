"""Two compilations are equal if all of their outputs are, compared in the outputs' own steps."""

from __future__ import annotations

from array import array
from math import inf, nan

import pytest

from qhas.tune.outputs import apart


def floats(*values: float) -> dict[str, array[float]]:
    return {"Result_0/prob.raw": array("f", values)}


def test_the_distance_is_told_in_steps_of_the_output() -> None:
    assert [*apart(floats(0, 1), floats(0, 1.5), {"prob": 0.25})] == [2]


def test_a_float_output_has_steps_of_half_precision() -> None:
    assert [*apart(floats(1, 512), floats(1, 512.5), {})] == [1]


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_number_is_not_called_equal(value: float, side: int) -> None:
    pair = [floats(0, 1, 2), floats(0, 1, 2)]
    pair[side]["Result_0/prob.raw"][1] = value
    with pytest.raises(ValueError, match="has values that are infinite or NaN"):
        [*apart(*pair, {})]


def test_outputs_that_are_no_numbers_on_both_sides_say_nothing() -> None:
    with pytest.raises(ValueError, match="infinite or NaN"):
        [*apart(floats(0, nan), floats(0, nan), {})]


def test_outputs_of_other_names_are_not_compared() -> None:
    with pytest.raises(ValueError, match="different outputs"):
        [*apart(floats(0), {}, {})]
