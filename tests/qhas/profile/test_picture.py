"""The picture of a trace is true to it and bounded in size, whatever the trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.profiles import chrometrace, metadata_event, op_event
from qhas.profile.dominant import Stretch
from qhas.profile.picture import BINS, LANES, CounterKind, Timeline, Work, read_timeline
from qhas.profile.trace import TraceInvalid

INPUTS = Path(__file__).parents[4] / "shared/inputs"


def written(tmp_path: Path, *events: str) -> Path:
    trace = tmp_path / "chrometrace.json"
    trace.write_text(chrometrace(events))
    return trace


def drawn(tmp_path: Path, *events: str) -> Timeline:
    return read_timeline(written(tmp_path, *events))


def op(ts: int, dur: int, *, tid: int = 256, **args: Any) -> str:
    event = json.loads(op_event(ts=ts, dur=dur))
    event["tid"] = tid
    event["args"] |= {name.replace("_", " "): value for name, value in args.items()}
    return json.dumps(event)


def sample(name: str, ts: int, amount: int) -> str:
    return json.dumps({"name": name, "ph": "C", "pid": 0, "ts": ts, "args": {"": amount}})


def thread(tid: int, unit: str) -> str:
    event = json.loads(metadata_event())
    return json.dumps(event | {"tid": tid, "args": {"name": f"Core:0 Type: {unit} Tid: {tid}"}})


def test_a_short_trace_has_a_bin_a_cycle(tmp_path: Path) -> None:
    picture = drawn(tmp_path, op(0, 3), op(5, 2))
    assert (picture.bin_cycles, picture.end_cycle) == (1, 7)
    assert picture.lanes[0].busy == [100, 100, 100, 0, 0, 100, 100]
    assert picture.lanes[0].op == [2, 2, 2, -1, -1, 2, 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 10**6), st.sampled_from([256, 512, 513])),
        min_size=1,
        max_size=40,
    )
)
def test_no_cycle_of_work_is_lost_or_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, ops: list[tuple[int, int, int]]
) -> None:
    """Within what rounding to whole percents can lose, for threads whose ops do not overlap."""
    events, ends = [], dict.fromkeys((256, 512, 513), 0)
    cycles = dict(ends)
    for gap, length, tid in ops:
        begin = ends[tid] + gap % 1000
        events.append(op(begin, length, tid=tid))
        ends[tid] = begin + length
        cycles[tid] += length
    picture = drawn(tmp_path_factory.mktemp("trace"), *events)
    assert len(picture.dominant.busy) <= BINS
    for lane in picture.lanes:
        tid = int(lane.name.split()[1])
        found = sum(lane.busy) * picture.bin_cycles / 100
        assert abs(found - cycles[tid]) <= sum(busy > 0 for busy in lane.busy) * picture.bin_cycles / 100


def test_a_bin_is_of_what_takes_most_of_it(tmp_path: Path) -> None:
    events = [
        op(at, 10, HTP_Op_Type=name)
        for at, name in ((0, "q::A"), (10, "q::B"), (20, "q::B"), (10_000 * BINS, "q::C"))
    ]
    picture = drawn(tmp_path, *events)
    assert picture.ops[picture.lanes[0].op[0]].htp == "q::B"


def test_lanes_are_named_and_ordered_by_unit(tmp_path: Path) -> None:
    events = [op(0, 1, tid=tid) for tid in (768, 512, 256, 900)]
    names = [thread(256, "DMA"), thread(512, "HVX"), thread(768, "HMX")]
    picture = drawn(tmp_path, *events, *names)
    assert [lane.name for lane in picture.lanes] == ["HMX 768", "HVX 512", "DMA 256", "thread 900"]


def test_waits_and_bookkeeping_are_no_work(tmp_path: Path) -> None:
    picture = drawn(tmp_path, op(0, 5, Flags=["dma_wait"]), op(5, 5, Flags=["uses_hmx"]))
    kinds = [picture.ops[number].work for number in picture.lanes[0].op]
    assert kinds == [Work.WAITING] * 5 + [Work.OP] * 5


def test_the_dominant_path_is_spread_over_its_ops(tmp_path: Path) -> None:
    picture = drawn(
        tmp_path,
        op(0, 10, Dominant_Path_Cycles=10),
        op(0, 20, tid=512, Dominant_Path_Cycles=5),
        op(20, 1, Dominant_Path_Cycles=0),
    )
    assert picture.dominant.busy[:20] == [100] * 10 + [25] * 10
    assert picture.dominant.op[20] == -1


def test_bytes_moved_are_spread_over_the_ops_that_move_them(tmp_path: Path) -> None:
    """A level belongs to all ops that run: two that overlap, one right after another, and one alone."""
    picture = drawn(
        tmp_path,
        op(0, 10),
        op(4, 2, tid=512),
        op(10, 10),
        op(30, 5),
        *(sample("DRAM read", at, level) for at, level in ((0, 100), (4, 140), (6, 100), (10, 50), (20, 0))),
    )
    (moved,) = picture.counters
    assert moved.kind is CounterKind.MOVED
    assert moved.bytes[:21] == [10] * 4 + [30] * 2 + [10] * 4 + [5] * 10 + [0]
    assert sum(moved.bytes) == 190


def test_ops_that_begin_together_are_told_apart_by_their_ends(tmp_path: Path) -> None:
    levels = ((0, 190), (10, 90), (20, 60), (30, 0))
    picture = drawn(
        tmp_path, op(0, 10), op(0, 20), op(0, 30), *(sample("VTCM read", at, level) for at, level in levels)
    )
    (moved,) = picture.counters
    tenth = [sum(moved.bytes[at : at + 10]) for at in (0, 10, 20)]
    assert tenth == [135, 35, 20]


def test_a_level_of_no_op_is_a_transfer_from_its_rise_to_its_fall(tmp_path: Path) -> None:
    levels = ((5, 100), (10, 300), (15, 100), (25, 0))
    picture = drawn(tmp_path, op(0, 40), *(sample("DRAM write", at, level) for at, level in levels))
    (moved,) = picture.counters
    assert [sum(moved.bytes[at : at + 5]) for at in range(0, 30, 5)] == [0, 25, 225, 25, 25, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 60), st.integers(0, 1000)), min_size=1, max_size=30
    )
)
def test_every_byte_of_the_levels_is_drawn_once(
    tmp_path_factory: pytest.TempPathFactory, ops: list[tuple[int, int, int]]
) -> None:
    """Even if ops begin together, end together or follow one another in the same cycle."""
    changes: dict[int, int] = {}
    for start, length, amount in ops:
        changes[start] = changes.get(start, 0) + amount
        changes[start + length] = changes.get(start + length, 0) - amount
    level, samples = 0, []
    for at, change in sorted(changes.items()):
        level += change
        samples.append(sample("DRAM read", at, level))
    events = [op(start, length, tid=place) for place, (start, length, _) in enumerate(ops)]
    (moved,) = drawn(tmp_path_factory.mktemp("trace"), *events, *samples).counters
    assert min(moved.bytes) >= 0
    if len({start for start, _, _ in ops} | {start + length for start, length, _ in ops}) == 2 * len(ops):
        assert sum(moved.bytes) == sum(amount for _, _, amount in ops)


def test_bytes_held_stay_until_the_next_sample(tmp_path: Path) -> None:
    far = 4 * BINS
    levels = ((0, 10), (1, 50), (2, 30), (far // 2, 0))
    picture = drawn(tmp_path, op(0, far), *(sample("VTCM alloc", at, level) for at, level in levels))
    (held,) = picture.counters
    middle = len(held.bytes) // 2
    assert (held.kind, held.bytes[0], held.bytes[1]) == (CounterKind.HELD, 50, 30)
    assert (held.bytes[middle - 1], held.bytes[middle], held.bytes[-1]) == (30, 30, 0)


def test_an_op_that_is_executed_several_times_never_fills_the_path_twice(tmp_path: Path) -> None:
    """The vendor writes the figures of the last execution into every execution."""
    last = {"Duration_(cycles)": 40, "Dominant_Path_Cycles": 15}
    picture = drawn(
        tmp_path,
        op(0, 30, **last),
        op(5, 50, tid=512, **last),
        op(60, 40, **last),
        op(62, 8, tid=512, **last),
    )
    assert picture.dominant.busy == [100] * 55 + [0] * 5 + [100] * 40


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the sample inputs are not beside the repository")
def test_six_executions_of_one_op_on_a_phone_fill_the_path_once() -> None:
    picture = read_timeline(INPUTS / "trace-one-op-six-executions.json")
    assert max(picture.dominant.busy) == 100
    drawn_cycles = sum(picture.dominant.busy) * picture.bin_cycles / 100
    assert drawn_cycles == pytest.approx(3_175_662 - 1_768_693, abs=picture.bin_cycles)


def test_the_path_of_the_qhas_is_drawn_where_it_ran(tmp_path: Path) -> None:
    path = [Stretch(1000, 1003, "Conv2d", "q::A", False), Stretch(1005, 1010, "", "SyncOp", True)]
    picture = read_timeline(written(tmp_path, op(0, 10, Start_Cycle=1000, Dominant_Path_Cycles=10)), path)
    assert picture.dominant.busy == [100] * 3 + [0] * 2 + [100] * 5
    assert picture.ops[picture.dominant.op[0]].qnn == "Conv2d"
    assert picture.ops[picture.dominant.op[5]].work is Work.WAITING


def test_the_path_of_another_graph_is_not_drawn(tmp_path: Path) -> None:
    path = [Stretch(1000, 1300, "Conv2d", "q::A", False)]
    picture = read_timeline(written(tmp_path, op(0, 10, Start_Cycle=1000, Dominant_Path_Cycles=10)), path)
    assert picture.dominant.busy == [100] * 10


def test_what_is_odd_about_a_trace_is_a_remark_of_its_picture(tmp_path: Path) -> None:
    picture = drawn(tmp_path, op(0, 10, Step_Size=1.5).replace("1.5", "nan"))
    assert picture.remarks[0].startswith("contains an invalid number (nan) at byte ")


def test_the_picture_is_bounded_whatever_the_trace_holds(tmp_path: Path) -> None:
    events = [
        op(number * 977, 900, tid=number % 60, HTP_Op_Type=f"q::{'x' * 500}{number}", QNN_Op_Type="T" * 500)
        for number in range(5000)
    ]
    counters = [sample(f"counter {number} {'y' * 500}", number, 1) for number in range(50)]
    picture = drawn(tmp_path, *events, *counters)
    assert len(picture.lanes) == LANES
    assert picture.lanes_left_out == 60 - LANES
    assert len(picture.dominant.busy) <= BINS
    assert len(picture.model_dump_json()) < 500_000


def test_a_trace_that_is_cut_off_has_no_picture(tmp_path: Path) -> None:
    trace = tmp_path / "chrometrace.json"
    trace.write_text(chrometrace([op(0, 1)])[:-4])
    with pytest.raises(TraceInvalid, match="cut off"):
        read_timeline(trace)


@pytest.mark.parametrize(
    "odd",
    [
        {"tid": "main"},
        {"args": {"Duration (cycles)": 5, "Flags": "uses_hmx"}},
        {"args": {"Duration (cycles)": 5, "Flags": [None, 7]}},
        {"args": {"Duration (cycles)": 5, "Dominant Path Cycles": None}},
        {"dur": 0},
        {"ts": -5},
        {"ts": 0.5, "dur": 1.25},
    ],
    ids=str,
)
def test_what_a_trace_may_hold_does_not_cost_the_picture(tmp_path: Path, odd: dict[str, Any]) -> None:
    event = json.loads(op_event(ts=0, dur=5)) | odd
    picture = drawn(tmp_path, json.dumps(event), op(5, 5, tid=512))
    assert any(lane.name == "thread 512" for lane in picture.lanes)


def test_a_picture_is_stored_and_read_again_as_it_is(tmp_path: Path) -> None:
    picture = drawn(tmp_path, op(0, 10), sample("DRAM read", 3, 5), thread(256, "HMX"))
    assert Timeline.model_validate_json(picture.model_dump_json()) == picture
