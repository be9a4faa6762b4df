"""The simulator's timeline is read from a log, or refused with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostsdk.viewer.log import LogError, parse_log
from hostsdk.viewer.timeline import Flag, Timeline, TimelineError, Traffic, Unit, find_timelines
from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.log_writer import chunk, event, message, trace_object


def timeline_of(trace: dict[str, Any] | None = None, cycles: int | None = tiny.CYCLES) -> Timeline:
    (found,) = find_timelines([parse_log(tiny.log(trace, cycles=cycles))])
    return found


def of_ops(*ops: dict[str, Any]) -> Timeline:
    return timeline_of(tiny.payload(list(ops)))


def test_length_and_time_are_the_simulators_own() -> None:
    timeline = timeline_of()
    assert (timeline.graph, timeline.cycles, timeline.time_us, timeline.core_mhz) == ("tiny", 126, 2, 63.0)


def test_without_the_simulators_events_the_last_op_ends_the_timeline() -> None:
    timeline = timeline_of(cycles=None)
    assert (timeline.cycles, timeline.time_us) == (120, 1)


def test_a_transfer_is_named_after_its_op() -> None:
    names = [event.htp_op for event in timeline_of().events]
    assert names == [
        "default_dma_start (q::*InputSlice)",
        "q::*InputSlice",
        "q::ConvLayer_s1.opt",
        "q::Relu_ref",
        "q::*OutputSlice",
    ]


@pytest.mark.parametrize(
    ("name", "flag", "unit", "flags"),
    [
        ("q::Conv", "uses_hmx", Unit.HMX, (Flag.USES_HMX,)),
        ("q::Conv", "for_hmx", Unit.HMX, (Flag.USES_HMX,)),
        ("q::Add", "for_hvx", Unit.HVX, (Flag.USES_HVX,)),
        ("q::Add", "for_hlx", Unit.HLX, (Flag.USES_HVX,)),
        ("default_dma (q::Fill)", "for_dma", Unit.DMA, (Flag.DMA,)),
        ("q::Slice_dma", "for_hvx_dma", Unit.DMA, (Flag.DMA,)),
        ("q::Odd", "scalar", Unit.SCALAR, ()),
        ("default_dma_start (q::Fill)", "scalar", Unit.SEQUENCER, (Flag.DMA_SET,)),
        ("default_dma_sync (q::Fill)", "scalar", Unit.SEQUENCER, (Flag.DMA_WAIT,)),
        ("default_hvx_spawn (q::Add)", "scalar", Unit.SEQUENCER, (Flag.SYNC,)),
        ("default_hmx_validate (q::Conv)", "scalar", Unit.SEQUENCER, (Flag.SYNC,)),
        ("default_hvx_novelty", "scalar", Unit.SEQUENCER, (Flag.SYNC,)),
    ],
)
def test_unit_and_flags_follow_from_the_simulators_flag_and_name(
    name: str, flag: str, unit: Unit, flags: tuple[Flag, ...]
) -> None:
    worker = tiny.op("q::Work", 1, 1, 0, 5, "for_hvx")
    found = of_ops(tiny.op(name, 2, 0, 0, 5, flag), worker).events[0]
    assert (found.unit, found.flags) == (unit, flags)


def test_bookkeeping_moves_no_bytes_of_its_own() -> None:
    start, transfer, *_ = timeline_of().events
    assert start.traffic == Traffic()
    assert transfer.traffic == Traffic(dram_read=100, vtcm_write=100)


def test_bytes_of_an_op_on_several_threads_count_once() -> None:
    split = [tiny.op("q::Transpose", 7, tid, tid, 9, "for_hvx", (0, 0, 10, 7)) for tid in (1, 2, 3)]
    shares = [event.traffic for event in of_ops(*split).events]
    assert shares == [Traffic(0, 0, 4, 3), Traffic(0, 0, 3, 2), Traffic(0, 0, 3, 2)]


def test_bytes_of_an_op_with_a_transfer_belong_to_the_transfer() -> None:
    dma = tiny.op("q::Pad_dma", 7, 6, 7, 9, "for_hvx_dma", (64, 0, 0, 64), 1)
    hvx = tiny.op("q::Pad_hvx", 7, 1, 6, 10, "for_hvx", (64, 0, 0, 64), 1)
    assert [event.traffic.dram_read for event in of_ops(hvx, dma).events] == [0, 64]


def test_different_bytes_of_one_op_are_all_kept() -> None:
    pieces = [tiny.op("q::Fill", 7, 5, start, 9, "for_dma", (start, 0, 0, 0), 1) for start in (10, 20)]
    assert [event.traffic.dram_read for event in of_ops(*pieces).events] == [10, 20]


def test_what_the_host_sdk_recorded_is_kept() -> None:
    assert timeline_of(tiny.payload(hostsdk={"soc": "sa8255"})).provenance == {"soc": "sa8255"}
    assert timeline_of().provenance == {}


def test_a_log_without_a_timeline_says_what_to_do() -> None:
    log = parse_log(chunk([message("g", [event("QNN (execute) time", 400, 5)])]))
    with pytest.raises(TimelineError, match=r"holds no simulator timeline: .* --profiling_level qhas"):
        find_timelines([log])


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        bytes(56),
        trace_object(b"{}", "g", kind=4),
        trace_object(b"{}", "g")[:-1],
        trace_object(b"{}", "g") + b"x",
    ],
)
def test_a_damaged_object_is_refused(blob: bytes) -> None:
    log = parse_log(chunk([message("g", [event("QNN Trace Hextimate Event", 600, unit=5, payload=blob)])]))
    with pytest.raises(TimelineError, match="timeline in the log cannot be used"):
        find_timelines([log])


@pytest.mark.parametrize(
    ("trace", "complaint"),
    [
        ({}, "traceEvents"),
        ([], "indices"),
        ({"traceEvents": [], "Hextimate Configuration": {"sim_core_freq": 1}}, "no op runs"),
        (tiny.payload([tiny.op("q::A", 1, 0, -1, 5, "for_hvx")]), "from cycle -1"),
        (tiny.payload([tiny.op("q::A", 1, 0, 1, -5, "for_hvx")]), "runs for -5 cycles"),
        (tiny.payload() | {"Hextimate Configuration": {"sim_core_freq": 0}}, "clock is zero"),
        (tiny.payload([tiny.op("q::A", 1, 0, 0, 5, "for_hvx") | {"pid": 1}]), "several cores"),
    ],
)
def test_a_timeline_of_another_shape_is_refused_with_the_reason(trace: Any, complaint: str) -> None:
    with pytest.raises(TimelineError, match=complaint):
        timeline_of(trace)


_TEXT = json.dumps(tiny.payload())


@given(st.integers(0, len(_TEXT) - 1), st.sampled_from('{}[]",:0x '))
def test_flipped_characters_are_refused_or_read_but_never_crash(place: int, character: str) -> None:
    text = _TEXT[:place] + character + _TEXT[place + 1 :]
    blob = trace_object(text.encode(), "tiny")
    log = parse_log(chunk([message("tiny", [event("QNN Trace Hextimate Event", 600, unit=5, payload=blob)])]))
    try:
        assert find_timelines([log])
    except (TimelineError, LogError):
        return


def test_the_simulators_own_interval_and_spills_are_read_where_it_tells_them() -> None:
    (told,) = find_timelines([parse_log(tiny.log(own={2007: 110, 2008: 140, 2013: 4096}))])
    assert told.own == {"lower_cycles": 110, "upper_cycles": 140, "intermediate_spill_bytes": 4096}
    assert timeline_of().own == {}
