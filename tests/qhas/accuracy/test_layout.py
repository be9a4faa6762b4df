"""A tensor with its channels on a different axis is the same tensor; one of a different shape is not."""

from __future__ import annotations

import numpy as np
import pytest

from qhas.accuracy.layout import arrangements
from qhas.accuracy.names import matched


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 3, 4), (1, 2, 3, 4, 5)])
def test_channels_last_are_found_and_put_back(shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape)
    last = np.moveaxis(values, 1, -1)
    (way,) = arrangements(last.shape, shape)
    assert (way.applied(last.reshape(-1), shape) == values).all()


def test_channels_first_are_found_too() -> None:
    values = np.arange(60).reshape(1, 4, 5, 3)
    (way,) = arrangements((1, 3, 4, 5), (1, 4, 5, 3))
    assert (way.applied(np.moveaxis(values, -1, 1).reshape(-1), values.shape) == values).all()


def test_axes_of_one_do_not_count() -> None:
    assert [way.order for way in arrangements((1, 1, 1, 10), (1, 10))] == [None]
    assert [way.order for way in arrangements((1, 1, 8, 8), (1, 8, 8))] == [None]


def test_as_many_channels_as_rows_can_lie_in_several_ways() -> None:
    assert len(arrangements((1, 3, 3, 3), (1, 3, 3, 3))) == 3


@pytest.mark.parametrize("shape", [(1, 5, 4, 3), (1, 60), (1, 3, 4, 6)])
def test_another_shape_is_no_arrangement(shape: tuple[int, ...]) -> None:
    assert not arrangements(shape, (1, 3, 4, 5))


def test_names_match_by_letters_and_digits() -> None:
    assert matched(["/a/b:0", "c"], {"a_b_0": 1, "c": 2, "d": 3}) == {"/a/b:0": 1, "c": 2}


def test_a_lone_tensor_needs_no_name() -> None:
    assert matched(["output"], {"y": 1}) == {"output": 1}


@pytest.mark.parametrize("others", [{"a.b": 1, "a_b": 2}, {"a": 1, "c": 2}, {}])
def test_what_is_not_plain_is_not_matched(others: dict[str, int]) -> None:
    assert matched(["a/b", "c"], others) is None
    assert matched(["a.b", "a_b"], others | {"c": 2}) is None
