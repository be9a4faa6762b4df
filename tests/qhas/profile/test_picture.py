"""The picture of a trace: true to it, and of bounded size whatever the trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.profiles import chrometrace, metadata_event, op_event
from qhas.profile.picture import BINS, LANES, CounterKind, Timeline, Work, read_timeline
from qhas.profile.trace import TraceInvalid


def drawn(tmp_path: Path, *events: str) -> Timeline:
    trace = tmp_path / "chrometrace.json"
    trace.write_text(chrometrace(events))
    return read_timeline(trace)


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
    """Within what rounding to whole percents can take away, for threads whose ops do not overlap."""
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


def test_bytes_moved_add_up_and_bytes_held_stay(tmp_path: Path) -> None:
    far = 4 * BINS
    picture = drawn(
        tmp_path,
        op(0, far),
        *(sample("DRAM read", at, 100) for at in (0, 1, 2, far - 1)),
        *(sample("VTCM alloc", at, amount) for at, amount in ((0, 10), (1, 50), (2, 30), (far // 2, 0))),
    )
    moved, held = picture.counters
    assert (moved.kind, moved.bytes[0], moved.bytes[-1], sum(moved.bytes)) == (
        CounterKind.MOVED,
        300,
        100,
        400,
    )
    middle = len(held.bytes) // 2
    assert (held.kind, held.bytes[0], held.bytes[1]) == (CounterKind.HELD, 50, 30)
    assert (held.bytes[middle - 1], held.bytes[middle], held.bytes[-1]) == (30, 30, 0)


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
