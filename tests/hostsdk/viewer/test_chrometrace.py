"""The events, counters and flows of the chrometrace."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.conftest import Desk

FLOWS = {"enable_input_output_flow_events": True, "enable_sequencer_flow_events": True}


def ops(desk: Desk, pid: int = 0) -> list[dict[str, Any]]:
    return [event for event in desk.trace if event["ph"] == "X" and event["pid"] == pid]


def counter(desk: Desk, name: str) -> list[tuple[int, int]]:
    return [
        (event["ts"], event["args"][""])
        for event in desk.trace
        if event["ph"] == "C" and event["name"] == name
    ]


def test_the_header_comes_first_and_every_event_has_a_line(viewed: Desk) -> None:
    lines = (viewed.out / "chrometrace.json").read_text().splitlines()
    assert lines[0].startswith(
        '{"header": {"header_version": {"major": 1, "minor": 0, "patch": 0}, "version": '
    )
    assert lines[1] == '"traceEvents": ['
    assert lines[-1] == "]}"
    assert all(line.endswith("},") for line in lines[2:-2])
    assert len([json.loads(line.rstrip(",")) for line in lines[2:-1]]) == len(viewed.trace)


def test_the_header_is_of_an_op_trace(viewed: Desk) -> None:
    header = viewed.json("chrometrace.json")["header"]
    assert (header["artifact_type"], header["version"]) == ("OP_TRACE", {"major": 1, "minor": 1, "patch": 0})


def test_an_op_event_has_the_vendors_keys_in_their_order(viewed: Desk) -> None:
    conv = ops(viewed)[2]
    assert list(conv) == ["cat", "name", "ph", "tid", "pid", "ts", "dur", "args"]
    assert conv["args"] == {
        "ID": "0x0000020000000010",
        "HTP Op Type": "q::ConvLayer_s1.opt",
        "Description": "Conv2d with strides=(1,1) but there's more.",
        "Dims": [1, 8, 8, 32],
        "Data Type": "QUInt8",
        "Rank": 4,
        "Step Size": 0.0359642431,
        "Zero Offset": 128,
        "Inputs Ops": ["0x0000010000000002"],
        "Flags": ["uses_hmx"],
        "QNN Op Type": "Conv2d",
        "QNN Op Name": "conv",
        "Start Cycle": 40,
        "Duration (cycles)": 40,
        "Dominant Path Cycles": 40,
    }
    assert list(conv["args"])[1:4] == ["HTP Op Type", "Description", "Dims"]
    assert list(conv["args"])[-3:] == ["Start Cycle", "Duration (cycles)", "Dominant Path Cycles"]


def test_every_id_has_sixteen_digits_and_ends_in_the_node(viewed: Desk) -> None:
    ids = [event["args"]["ID"] for event in ops(viewed)]
    assert all(re.fullmatch(r"0x[0-9a-f]{16}", identity) for identity in ids)
    assert [int(identity[-8:], 16) for identity in ids] == [2, 2, 0x10, 0x11, 3]


def test_an_op_without_a_tensor_says_so(viewed: Desk) -> None:
    output = ops(viewed)[4]["args"]
    assert (output["Data Type"], output["Rank"], output["Step Size"]) == ("", 0, 0)
    assert "Dims" not in output


def test_dominant_path_cycles_never_exceed_the_duration(viewed: Desk) -> None:
    shares = [(event["args"]["Dominant Path Cycles"], event["dur"]) for event in ops(viewed)]
    assert shares == [(0, 10), (20, 20), (40, 40), (20, 40), (20, 30)]


def test_every_event_stands_in_the_overview_and_under_its_node(viewed: Desk) -> None:
    names = {event["pid"]: event["args"]["name"] for event in viewed.trace if event["name"] == "process_name"}
    assert names == {
        0: "Core 0 Overview",
        1: "QNN::Input",
        2: "QNN::conv",
        3: f"QNN::{tiny.HOSTILE_NAME}",
        4: "QNN::Output",
    }
    copies = [event for pid in list(names)[1:] for event in ops(viewed, pid)]
    assert [{**event, "pid": 0} for event in copies] == ops(viewed)


def test_metadata_comes_last_and_names_unit_and_thread(viewed: Desk) -> None:
    phases = "".join(event["ph"] for event in viewed.trace)
    assert re.fullmatch("X+C+M+", phases)
    threads = [
        event["args"]["name"]
        for event in viewed.trace
        if event["name"] == "thread_name" and event["pid"] == 0
    ]
    assert threads == ["Type: HMX", "Type: HVX", "Type: DMA"]
    of_nodes = {
        event["args"]["name"]
        for event in viewed.trace
        if event["name"] == "thread_name" and event["pid"] != 0
    }
    assert of_nodes == {"Core:0 Type: HMX Tid: 256", "Core:0 Type: HVX Tid: 257", "Core:0 Type: DMA Tid: 261"}


def test_nodes_are_sorted_by_their_number_behind_the_core(viewed: Desk) -> None:
    order = {
        event["pid"]: event["args"]["sort_index"]
        for event in viewed.trace
        if event["name"] == "process_sort_index"
    }
    assert order == {0: 1, 1: 2, 2: 0x10, 3: 0x11, 4: 3}


def test_a_slice_has_its_unit_for_a_category(viewed: Desk) -> None:
    assert [event["cat"] for event in ops(viewed)] == ["bookkeeping", "DMA", "HMX", "HVX", "DMA"]


def test_a_trace_in_microseconds_can_be_written_beside_the_one_in_cycles(desk: Desk) -> None:
    desk.view("--microseconds", features={"enable_input_output_flow_events": True})
    in_us = desk.json("chrometrace_us.json")["traceEvents"]
    assert len(in_us) == len(desk.trace)
    for event, other in zip(desk.trace, in_us, strict=True):
        for key in {"ts", "dur"} & set(event):
            assert other[key] == pytest.approx(event[key] / tiny.CORE_MHZ, abs=0.001)
        rest = [{**one, "ts": 0, "dur": 0} for one in (event, other)]
        assert rest[0] == rest[1]


def test_processes_are_labelled_as_estimates(viewed: Desk) -> None:
    labels = {event["args"]["labels"] for event in viewed.trace if event["name"] == "process_labels"}
    assert labels == {"simulator estimate, sa8255"}


def test_counters_are_levels_of_what_runs(viewed: Desk) -> None:
    """Each op counts with all of its bytes from its first cycle to its last."""
    moments = (10, 30, 40, 60, 80, 90, 100, 120)
    levels = {
        "DRAM read": (100, 0, 0, 0, 0, 0, 0, 0),
        "DRAM write": (0, 0, 0, 0, 0, 40, 40, 0),
        "VTCM read": (0, 0, 100, 150, 50, 90, 40, 0),
        "VTCM write": (100, 0, 50, 100, 50, 50, 0, 0),
    }
    for name, expected in levels.items():
        assert counter(viewed, name) == list(zip(moments, expected, strict=True))


def test_allocated_vtcm_is_a_counter(viewed: Desk) -> None:
    assert counter(viewed, "VTCM alloc") == [(0, 0), (10, 100), (40, 150), (120, 0)]


def test_without_memory_info_there_are_no_counters_and_the_summary_stays(desk: Desk) -> None:
    desk.view(features={"memory_info": False, "qhas_json": True})
    assert not [event for event in desk.trace if event["ph"] == "C"]
    assert desk.summary["data"]["htp_overall_summary"]["data"][0]["total_dram"] == 140


def test_without_traceback_no_op_names_its_inputs_and_the_description_stays(desk: Desk) -> None:
    desk.view(features={"traceback": False})
    assert not [event for event in ops(desk) if "Inputs Ops" in event["args"]]
    assert "Description" in ops(desk)[2]["args"]


def test_flows_are_off_by_default(viewed: Desk) -> None:
    assert not [event for event in viewed.trace if event["ph"] in "sf"]


def test_data_flows_run_from_producer_to_consumer_through_ops_that_never_run(desk: Desk) -> None:
    desk.view(features={"enable_input_output_flow_events": True})
    flows = [event for event in desk.trace if event.get("cat") == "input_output"]
    assert {event["name"] for event in flows} == {"InputOutputFlowEvents"}
    ends = [(event["id"], event["ph"], event["tid"], event["ts"]) for event in flows]
    assert ends == [
        (0, "s", 261, 29),
        (0, "f", 256, 40),
        (1, "s", 256, 79),
        (1, "f", 257, 60),
        (2, "s", 257, 99),
        (2, "f", 261, 90),
    ]
    assert all(event["pb"] == "e" for event in flows if event["ph"] == "f")
    assert not [event for event in desk.trace if event.get("cat") == "sequencer"]


def test_sequencer_flows_run_from_the_start_event_to_the_op(desk: Desk) -> None:
    desk.view(features={"enable_sequencer_flow_events": True})
    flows = [event for event in desk.trace if event.get("cat") == "sequencer"]
    assert [(event["ph"], event["tid"], event["ts"]) for event in flows] == [("s", 256, 9), ("f", 261, 10)]
    assert not [event for event in desk.trace if event.get("cat") == "input_output"]


def test_flows_begin_inside_the_event_they_leave(desk: Desk) -> None:
    desk.view(features=FLOWS)
    spans = [(event["tid"], event["ts"], event["ts"] + event["dur"]) for event in ops(desk)]
    for event in desk.trace:
        if event["ph"] in "sf":
            assert any(tid == event["tid"] and start <= event["ts"] < end for tid, start, end in spans)


def test_counter_samples_are_in_time_order(viewed: Desk) -> None:
    cycles = [cycle for cycle, _ in counter(viewed, "VTCM read")]
    assert all(earlier < later for earlier, later in pairwise(cycles))
