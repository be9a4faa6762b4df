"""The arithmetic of the table."""

from __future__ import annotations

import pytest

from bench.figures import Contender, Measured, Round, Spread, figures


def measured(
    wall: float, *, cells: int = 4, tool_seconds: float = 0.0, cpu: float = 0.0, outside_cells: float = 0.0
) -> Measured:
    return Measured(
        cells=cells,
        tool_seconds=tool_seconds,
        server_cpu=0.0,
        wall=wall,
        cpu=cpu,
        children_cpu=0.0,
        peak_memory=1 << 20,
        start_up=0.0,
        outside_cells=outside_cells,
    )


def of_walls(plain: float, flow: float) -> Round:
    return {Contender.PLAIN: measured(plain), Contender.FLOW: measured(flow)}


def test_a_spread_is_minimum_median_and_maximum() -> None:
    assert Spread.of([3, 1, 2, 10]) == Spread(1, 2.5, 10)


def test_there_is_no_spread_of_no_rounds() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        Spread.of([])


def test_overhead_is_milliseconds_a_cell_above_the_plain_script_in_the_same_round() -> None:
    found = figures([of_walls(plain=4.0, flow=6.0), of_walls(plain=40.0, flow=44.0)], Contender.FLOW, 2)
    assert found.overhead == Spread(500.0, 750.0, 1000.0)
    assert found.ratio == Spread(1.1, 1.3, 1.5)


def test_what_a_sweep_costs_once_is_no_overhead_in_its_cells() -> None:
    rounds = [{Contender.PLAIN: measured(4.0), Contender.FLOW: measured(6.0, outside_cells=1.0)}]
    found = figures(rounds, Contender.FLOW, 2)
    assert found.overhead.middle == 500.0
    assert found.overhead_in_cells.middle == 250.0


def test_a_faster_contender_has_an_overhead_below_zero() -> None:
    assert figures([of_walls(plain=4.0, flow=2.0)], Contender.FLOW, 2).overhead.middle == -500.0


def test_the_plain_script_has_no_overhead_above_itself() -> None:
    found = figures([of_walls(plain=4.0, flow=6.0)], Contender.PLAIN, 2)
    assert found.overhead == Spread(0.0, 0.0, 0.0)
    assert found.ratio == Spread(1.0, 1.0, 1.0)


def test_time_beside_tools_counts_every_slot_for_a_tool() -> None:
    rounds = [{Contender.PLAIN: measured(3.0, tool_seconds=5.0, cells=2)}]
    assert figures(rounds, Contender.PLAIN, at_once=2).beside_tools.middle == 500.0


def test_cpu_is_milliseconds_a_cell() -> None:
    rounds = [{Contender.PLAIN: measured(1.0, cpu=0.2, cells=4)}]
    assert figures(rounds, Contender.PLAIN, at_once=2).cpu.middle == pytest.approx(50.0)
