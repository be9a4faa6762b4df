"""Cells that feed devices come first, then those that leave the least for devices at the end."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from fakes.records import model
from qhas.lab.order import Queue
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell


def nobody(_: Cell) -> bool:
    return False


def queue(*seconds: tuple[float, float], devices: float = 1, waits: Callable[[Cell], bool] = nobody) -> Queue:
    """Cells n0, n1, ... with these seconds of prepare and device and 1 s of finish, sorted for a host of one core."""
    cells = [Cell(model=model(f"n{number}"), soc="sm8750") for number in range(len(seconds))]
    known = {cell.key: Forecast(*each, finish=1) for cell, each in zip(cells, seconds, strict=True)}
    made = Queue(devices, cells, waits)
    made.expect(Expectations(known, measured={"sm8750"}))
    made.sort(1)
    return made


def order(cells: Queue, slack: float = 0) -> list[str]:
    return [cells.take_next(slack)[1].model.name for _ in range(len(cells))]


def test_what_is_prepared_soonest_feeds_a_device_that_has_nothing_to_do() -> None:
    assert order(queue((3, 10), (1, 4), (2, 20))) == ["n1", "n2", "n0"]


def test_a_device_that_has_work_gets_the_longest_that_is_prepared_in_time() -> None:
    assert order(queue((3, 10), (1, 4), (2, 20)), slack=2) == ["n2", "n1", "n0"]


def test_where_this_host_is_the_bottleneck_the_longest_on_the_device_comes_first() -> None:
    assert order(queue((30, 3), (20, 9), (90, 5))) == ["n1", "n2", "n0"]


def test_cells_that_feed_devices_come_before_the_others() -> None:
    assert order(queue((30, 9), (1, 4))) == ["n1", "n0"]


def test_of_a_simulated_soc_the_longest_comes_first_and_equals_as_given() -> None:
    assert order(queue((1, 1), (2, 5), (1, 1), (5, 1), devices=inf)) == ["n1", "n3", "n0", "n2"]


def test_the_longest_is_taken_out_of_its_turn_once() -> None:
    cells = queue((30, 9), (1, 4), (35, 1))
    assert cells.longest() == 40
    assert cells.take_longest()[1].model.name == "n0"
    assert cells.longest() == 37
    assert order(cells) == ["n1", "n2"]
    assert (cells.here, cells.there) == (0, 0)


def test_a_cell_that_waits_for_another_ones_work_is_taken_when_all_do() -> None:
    waiting = {"n0", "n1"}
    cells = queue((1, 9), (2, 8), (3, 7), waits=lambda cell: cell.model.name in waiting)
    assert not cells.waits
    assert cells.longest() == 11
    assert order(cells) == ["n2", "n0", "n1"]
