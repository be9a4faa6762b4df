"""The search finds the ops that cause a change, whatever the rest of the network does, and says if there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from qhas.network.network import Graph, NetworkOp
from qhas.reproducer.parts import Part, windows
from qhas.reproducer.search import SMALL, Search

CHANGE = 30.0


def chain(length: int) -> Graph:
    """A chain of ops, each of which reads the previous one's result."""
    ops = (
        NetworkOp(name=f"op{n}", type=f"Kind{n % 3}", inputs=(f"t{n}",), outputs=(f"t{n + 1}",))
        for n in range(length)
    )
    return Graph(name="net", ops=tuple(ops), tensors=())


def search(
    length: int, gained: Mapping[int, float], shows: Callable[[Part], float | None], most: int = 60
) -> tuple[Search, Part | None]:
    def measure(parts: list[Part]) -> dict[Part, float]:
        return {part: change for part in parts if (change := shows(part)) is not None}

    every = dict.fromkeys(range(length), 0.0) | gained
    asked = Search(chain(length), every, CHANGE, measure, most)
    return asked, asked.smallest()


@pytest.mark.parametrize("culprits", [{7}, {7, 8}, {3, 4, 5}, {20, 21, 22, 23}, {0, 39}, {0, 20}])
def test_exactly_the_ops_that_make_the_change_are_found(culprits: set[int]) -> None:
    asked, part = search(
        40, dict.fromkeys(culprits, 1000.0), lambda part: CHANGE if culprits <= part else 1.0
    )
    assert part == culprits
    assert len(asked.seen) <= 60


def test_an_op_that_the_profile_does_not_blame_is_found_all_the_same() -> None:
    _, part = search(40, {30: 1000.0}, lambda part: CHANGE if {25, 30} <= part else 0.0)
    assert part == {25, 30}


def test_of_ops_that_share_a_change_as_few_are_left_as_show_most_of_it() -> None:
    blamed = dict.fromkeys(range(10, 15), 100.0)
    _, part = search(40, blamed, lambda part: CHANGE * len(part & blamed.keys()) / 5)
    assert part is not None
    assert len(part) == 4
    assert part <= blamed.keys()


def test_a_change_that_only_the_whole_shows_has_no_part() -> None:
    asked, part = search(20, {3: 1.0}, lambda part: CHANGE if len(part) == 20 else 0.0)
    assert part is None
    assert asked.share(frozenset({3})) == 0


def test_a_change_the_other_way_is_none() -> None:
    _, part = search(8, {3: 1.0}, lambda part: -CHANGE)
    assert part is None


def test_parts_that_do_not_compile_alone_are_passed_over() -> None:
    _, part = search(
        30, {12: 9.0, 13: 8.0}, lambda part: None if len(part) < 3 else CHANGE * ({12, 13} <= part)
    )
    assert part is not None
    assert len(part) == 3


def test_no_more_parts_are_measured_than_allowed() -> None:
    asked, _ = search(200, {}, lambda part: CHANGE if len(part) > 90 else 0.0, most=12)
    assert len(asked.seen) <= 12


def test_windows_hang_together_and_hold_what_gained_most() -> None:
    (first, *_) = windows(chain(30), dict.fromkeys(range(30), 0.0) | {9: 5.0, 11: 4.0}, SMALL, 3)
    assert {9, 11} <= first
    assert max(first) - min(first) == SMALL - 1
