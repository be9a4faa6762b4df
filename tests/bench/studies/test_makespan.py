"""The lower bound is correct, durations reach the tools, and a timeline counts what ran when."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.studies.makespan.rack import Rack, Seconds, rack_of
from bench.studies.makespan.timeline import TimelineInvalid, in_use, timeline
from fakes.sdk import Call, Tool


def call(tool: Tool, start: float, end: float, exit_code: int = 0) -> Call:
    return Call(tool, (), Path("/"), 1, start, end, exit_code, None)


def one_cell(*, slots: int = 1) -> Rack:
    return Rack(slots, 1, {"net/sm8750/default": Seconds(4, 2, 1)})


def cells(count: int, seconds: Seconds, *, slots: int, devices: int) -> Rack:
    return Rack(slots, devices, {f"net{n}/sm8750/default": seconds for n in range(count)})


def test_a_cell_alone_takes_the_sum_of_its_tools() -> None:
    assert one_cell(slots=8).lower_bound() == 7


def test_scarce_slots_bound_a_sweep_by_what_the_host_has_to_do() -> None:
    assert cells(10, Seconds(4, 1, 1), slots=2, devices=4).lower_bound() == 25


def test_scarce_devices_bound_a_sweep_by_their_runs_behind_one_prepare_and_before_one_viewer() -> None:
    assert cells(10, Seconds(4, 6, 1), slots=100, devices=2).lower_bound() == 4 + 30 + 1


def test_devices_of_one_soc_do_not_help_another() -> None:
    apart = Rack(9, 1, {f"net{n}/{soc}/default": Seconds(1, 5, 1) for n in range(2) for soc in ("a", "b")})
    together = Rack(9, 1, {f"net{n}/a/default": Seconds(1, 5, 1) for n in range(4)})
    assert apart.lower_bound() == 12
    assert together.lower_bound() == 22


def test_a_rack_scaled_to_a_bound_has_it() -> None:
    assert rack_of(1, 6, slots=4).scaled_to(20).lower_bound() == pytest.approx(20)


def test_tools_that_take_longer_than_ordered_raise_the_bound() -> None:
    assert one_cell().longer_by(0.5).lower_bound() == 8.5


def test_prepares_take_one_to_ten_times_as_long_as_runs() -> None:
    factors = [of.prepare / of.device for of in rack_of(3, 24, slots=8).cells.values()]
    assert 0.9 <= min(factors) < 2
    assert 8 < max(factors) <= 11


def test_every_tool_of_every_cell_is_given_its_duration() -> None:
    rack = rack_of(1, 3, slots=2)
    waits = list(rack.waits())
    assert len(waits) == 3 * len(rack.cells) == 3 * 12
    key = "net002/sa8255/default"
    found = {wait.tool: wait.seconds for wait in waits if (wait.model, wait.soc) == ("net002", "sa8255")}
    expected = {Tool.PREPARE: 0, Tool.NET_RUN: 1, Tool.VIEWER: 2}
    assert found == {tool: pytest.approx(rack.cells[key][part], abs=1e-4) for tool, part in expected.items()}


def test_a_timeline_begins_with_the_first_tool_and_counts_idle_places() -> None:
    calls = [call(Tool.PREPARE, 10, 14), call(Tool.NET_RUN, 15, 17), call(Tool.VIEWER, 19, 20)]
    found = timeline(calls, one_cell())
    assert found.makespan == 10
    assert found.host_idle == pytest.approx(0.5)
    assert found.devices_idle == pytest.approx(0.8)
    assert (found.first_run, found.after_last_run) == (5, 3)
    assert found.tools_own == 0


def test_what_a_tool_takes_above_its_order_is_its_own() -> None:
    calls = [call(Tool.PREPARE, 0, 4.3), call(Tool.NET_RUN, 5, 7.3), call(Tool.VIEWER, 8, 9.3)]
    assert timeline(calls, one_cell()).tools_own == pytest.approx(0.3)


@pytest.mark.parametrize("tool", [Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER])
def test_a_contender_that_leaves_out_or_repeats_a_tool_has_no_timeline(tool: Tool) -> None:
    calls = [call(Tool.PREPARE, 0, 1), call(Tool.NET_RUN, 2, 3), call(Tool.VIEWER, 4, 5)]
    with pytest.raises(TimelineInvalid, match=tool):
        timeline([one for one in calls if one.tool is not tool], one_cell())
    with pytest.raises(TimelineInvalid, match=tool):
        timeline([*calls, call(tool, 6, 7)], one_cell())


def test_a_failed_tool_is_none() -> None:
    calls = [call(Tool.PREPARE, 0, 1), call(Tool.NET_RUN, 2, 3, exit_code=1), call(Tool.VIEWER, 4, 5)]
    with pytest.raises(TimelineInvalid, match=r"snpe-net-run ended well 0 times for 1 cells"):
        timeline(calls, one_cell())


@pytest.mark.parametrize(("tool", "what"), [(Tool.PREPARE, "host slots"), (Tool.NET_RUN, "devices")])
def test_a_contender_that_uses_more_than_there_is_has_no_timeline(tool: Tool, what: str) -> None:
    rack = cells(2, Seconds(1, 1, 1), slots=1, devices=1)
    calls = [
        call(
            kind,
            at + (0.5 if kind is tool else 2.0) * number,
            at + (0.5 if kind is tool else 2.0) * number + 1,
        )
        for at, kind in ((0, Tool.PREPARE), (10, Tool.NET_RUN), (20, Tool.VIEWER))
        for number in range(2)
    ]
    with pytest.raises(TimelineInvalid, match=f"2 tools ran at once in 1 {what}"):
        timeline(calls, rack)


def test_use_over_time_is_the_mean_of_each_part() -> None:
    calls = [call(Tool.PREPARE, 0, 10), call(Tool.VIEWER, 5, 10), call(Tool.NET_RUN, 0, 2)]
    assert in_use(calls, (Tool.PREPARE, Tool.VIEWER), 2) == pytest.approx([1, 2])
    assert in_use(calls, (Tool.NET_RUN,), 2) == pytest.approx([0.4, 0])
