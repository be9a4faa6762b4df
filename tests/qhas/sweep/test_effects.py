"""Effects of options over everything that was tried, and what nothing else beats."""

from __future__ import annotations

import pytest

from qhas.sweep.effects import One, front, main_effects


def grid(figures: dict[tuple[int, int], float], group: str = "") -> list[One]:
    return [One({"a": a, "b": b}, figure, group) for (a, b), figure in figures.items()]


def told(tried: list[One]) -> dict[tuple[str, int], tuple[float, int]]:
    return {(each.option, each.value): (round(each.percent, 1), each.pairs) for each in main_effects(tried)}


def test_an_effect_is_the_geometric_mean_over_pairs_that_differ_in_nothing_else() -> None:
    assert told(grid({(0, 0): 100, (1, 0): 50, (0, 1): 100, (1, 1): 200})) == {
        ("a", 1): (0.0, 2),
        ("b", 1): (100.0, 2),
    }


def test_only_one_group_is_compared_with_itself() -> None:
    assert told(grid({(0, 0): 100, (1, 0): 50}, "x") + grid({(0, 0): 10, (1, 0): 5}, "y")) == {
        ("a", 1): (-50.0, 2)
    }


@pytest.mark.parametrize(
    "figures", [{}, {(0, 0): 1.0}, {(0, 0): 0.0, (1, 0): 5.0}, {(0, 0): 1.0, (1, 1): 2.0}]
)
def test_what_makes_no_pair_has_no_effect(figures: dict[tuple[int, int], float]) -> None:
    assert not told(grid(figures))


def test_the_front_is_what_no_other_beats_in_every_cost() -> None:
    assert front([(3.0, 1.0), (1.0, 3.0), (2.0, 3.0), (1.0, 3.0), (2.0, 2.0)]) == [1, 4, 0]
