"""The fake SDK's qnn-profile-viewer: what it writes, and that other people's programs accept it."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes.dlc import make_dlc
from fakes.rig import ALL_FEATURES, Rig
from fakes.sdk import Tool, order
from tests.judges import perfetto
from tests.judges.netron import open_model

EVERY_FILE = {
    "trace.json",
    "trace_htp.json",
    "trace_qnn_htp_analysis_summary.html",
    "trace_qnn_htp_analysis_summary.json",
    "trace_runtrace.json",
    "qhas_schema.json",
}


@pytest.fixture
def viewed(profiled: Rig) -> Rig:
    done = profiled.view()
    assert done.returncode == 0, done.stderr
    return profiled


def load(rig: Rig, name: str) -> Any:
    return json.loads((rig.cwd / name).read_text())


def written(rig: Rig) -> set[str]:
    return {path.name for path in rig.cwd.iterdir() if path.name.startswith(("trace", "qhas"))}


def test_all_features_give_all_files_with_the_fakes_mark(viewed: Rig) -> None:
    assert written(viewed) == EVERY_FILE
    kinds = {
        name: load(viewed, name)["header"]
        for name in EVERY_FILE
        if name.startswith("trace") and "html" not in name
    }
    assert {header["artifact_type"] for header in kinds.values()} == {
        "OP_TRACE",
        "HTP_GRAPH",
        "QHAS",
        "RUN_TRACE",
    }
    assert {header["producer"] for header in kinds.values()} == {"fake SDK"}


@pytest.mark.parametrize(
    ("feature", "file"),
    [
        ("htp_json", "trace_htp.json"),
        ("runtrace", "trace_runtrace.json"),
        ("qhas_json", "trace_qnn_htp_analysis_summary.json"),
        ("qhas_schema", "qhas_schema.json"),
    ],
)
def test_a_feature_switched_off_leaves_its_file_out(profiled: Rig, feature: str, file: str) -> None:
    profiled.view(features={**ALL_FEATURES, feature: False})
    assert written(profiled) == EVERY_FILE - {file}


@pytest.mark.parametrize(
    ("feature", "ph"),
    [("memory_info", "C"), ("enable_input_output_flow_events", "s"), ("enable_sequencer_flow_events", "s")],
)
def test_a_feature_adds_its_events_to_the_trace(profiled: Rig, feature: str, ph: str) -> None:
    counts = {}
    for switch in (True, False):
        profiled.view(features={**ALL_FEATURES, feature: switch})
        counts[switch] = Counter(event["ph"] for event in load(profiled, "trace.json")["traceEvents"])[ph]
    assert counts[True] > 10
    assert counts[False] == 0


def test_keys_outside_features_are_ignored(profiled: Rig) -> None:
    (profiled.cwd / "other.json").write_text('{"qhas_json": true, "features": {}}')
    inputs = ("--input_log", "profilelogs/qnn-profiling-data.log", "--schematic", "net_schematic.bin")
    profiled.run(
        Tool.VIEWER, *inputs, "--reader", profiled.reader, "--config=other.json", "--output=trace.json"
    )
    assert "trace_qnn_htp_analysis_summary.json" not in written(profiled)


@pytest.mark.parametrize("way", ["option", "name"])
def test_gzip_adds_gz_to_every_name(profiled: Rig, way: str) -> None:
    more, output = (["--gzip"], "trace.json") if way == "option" else ([], "trace.json.gz")
    profiled.view(*more, output=output)
    assert written(profiled) == {f"{name}.gz" for name in EVERY_FILE}
    with gzip.open(profiled.cwd / "trace.json.gz") as file:
        assert json.load(file)["header"]["artifact_type"] == "OP_TRACE"


def test_the_trace_stands_one_event_a_line_between_header_and_metadata(viewed: Rig) -> None:
    lines = (viewed.cwd / "trace.json").read_text().splitlines()
    assert lines[:3] == ["{", lines[1], '"traceEvents": [']
    assert lines[-1] == "]}"
    phases = [json.loads(line.rstrip(","))["ph"] for line in lines[3:-1]]
    assert phases.index("M") == len(phases) - phases.count("M")


def test_every_op_stands_under_the_core_and_under_its_node(viewed: Rig) -> None:
    ops = [
        event for event in load(viewed, "trace.json")["traceEvents"] if "Start Cycle" in event.get("args", {})
    ]
    core = Counter(event["args"]["ID"] for event in ops if event["pid"] == 0)
    assert len(core) >= 30
    assert core == Counter(event["args"]["ID"] for event in ops if event["pid"] != 0)


def test_perfetto_loads_the_trace_without_complaint_and_shows_every_slice(viewed: Rig) -> None:
    trace = viewed.cwd / "trace.json"
    slices = [event for event in load(viewed, "trace.json")["traceEvents"] if event["ph"] == "X"]
    assert perfetto.import_errors(trace) == {}
    assert perfetto.slice_count(trace) == len(slices)
    assert {"Type: HMX", "Core:0 Type: HMX Tid: 256"} <= set(perfetto.thread_names(trace))


def test_netron_opens_the_htp_graph(viewed: Rig) -> None:
    model = open_model(viewed.cwd / "trace_htp.json")
    overall = load(viewed, "trace_qnn_htp_analysis_summary.json")["data"]["htp_overall_summary"]["data"][0]
    assert model["format"] == "QNN"
    assert model["node_count"] == overall["htp_nodes"]


def test_the_summary_satisfies_the_schema_beside_it_and_a_summary_without_times_does_not(viewed: Rig) -> None:
    schema, summary = load(viewed, "qhas_schema.json"), load(viewed, "trace_qnn_htp_analysis_summary.json")
    jsonschema.validate(summary, schema)
    del summary["data"]["htp_overall_summary"]["data"][0]["time_us"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(summary, schema)


def test_the_summarys_sums_and_ratios_hold_as_in_real_ones(viewed: Rig) -> None:
    data = {
        name: section["data"]
        for name, section in load(viewed, "trace_qnn_htp_analysis_summary.json")["data"].items()
    }
    (overall,) = data["htp_overall_summary"]
    resources = overall["htp_resources"]["data"]
    used = sum(row["cycles_used"] for row in resources)
    busy = overall["timeline_cycles"] * overall["percent_utilization"] / 100
    assert overall["inf_per_s"] == 1e6 / overall["time_us"]
    assert overall["total_dram"] == sum(row["dram_read"] + row["dram_write"] for row in resources)
    assert sum(row["dp_cycles"] for row in data["dominant_path_htp_0"]) == overall["timeline_cycles"]
    for section in ("qnn_op_types", "qnn_op_instances_nodes", "htp_op_types"):
        rows = data[section]
        assert sum(row["cycles"] for row in rows) == used
        assert sum(row["num_dominant_path_cycles_htp_0"] for row in rows) == pytest.approx(busy)
        assert sum(row["percent_active_cycles"] for row in rows) == pytest.approx(100)
        assert [row["cycles"] for row in rows] == sorted((row["cycles"] for row in rows), reverse=True)


def test_ops_of_one_thread_do_not_overlap(viewed: Rig) -> None:
    ends: dict[int, int] = {}
    ops = [
        event
        for event in load(viewed, "trace.json")["traceEvents"]
        if event["ph"] == "X" and event["pid"] == 0
    ]
    for event in sorted(ops, key=lambda event: (event["ts"], event["dur"])):
        assert event["ts"] >= ends.get(event["tid"], 0)
        ends[event["tid"]] = event["ts"] + event["dur"]


def test_the_runtrace_has_four_phases_per_inference_and_agrees_with_the_summary(viewed: Rig) -> None:
    events = [event for event in load(viewed, "trace_runtrace.json")["traceEvents"] if event["ph"] == "X"]
    overall = load(viewed, "trace_qnn_htp_analysis_summary.json")["data"]["htp_overall_summary"]["data"][0]
    assert [event["name"] for event in events[:4]] == [
        "QNN DSP Execute",
        "VTCM Acquire",
        "Resource Power On",
        "Graph Execute",
    ]
    assert len(events) == 4 * 3
    assert events[0]["args"]["summary_time_us"] == overall["time_us"]
    assert events[0]["dur"] == pytest.approx(overall["time_us"] * 19.2, abs=1)


def test_figures_depend_on_the_network_the_soc_and_nothing_else(viewed: Rig) -> None:
    def figures(soc: str) -> Any:
        viewed.prepare(soc=soc)
        viewed.net_run()
        viewed.view()
        return load(viewed, "trace_qnn_htp_analysis_summary.json")

    first = load(viewed, "trace_qnn_htp_analysis_summary.json")
    assert figures("sm8750") == first
    assert figures("sm8650") != first
    make_dlc(viewed.dlc, salt="retrained")
    assert figures("sm8750") != first


def test_a_scale_in_the_orders_makes_the_network_slower(viewed: Rig) -> None:
    name = "trace_qnn_htp_analysis_summary.json"
    before = load(viewed, name)["data"]["htp_overall_summary"]["data"][0]
    order(viewed.sdk, scale=1.5)
    viewed.net_run()
    viewed.view()
    after = load(viewed, name)["data"]["htp_overall_summary"]["data"][0]
    assert after["timeline_cycles"] == pytest.approx(1.5 * before["timeline_cycles"], rel=0.02)
    assert after["time_us"] > before["time_us"]


@pytest.mark.parametrize("schematic", ["missing.bin", "foreign"])
def test_a_missing_or_foreign_schematic_is_refused(profiled: Rig, schematic: str) -> None:
    if schematic == "foreign":
        profiled.prepare(soc="sm8650")
    else:
        (profiled.cwd / "net_schematic.bin").unlink()
    done = profiled.view()
    assert done.returncode == 1
    assert "No Valid Input Schematics" in done.stderr
    assert written(profiled) == set()


def test_a_graph_prepared_without_qhas_has_no_valid_schematic(prepared: Rig) -> None:
    prepared.run(Tool.PREPARE, "--input_dlc", prepared.dlc, "--output_dlc=plain.dlc", "--htp_socs=sm8750")
    prepared.net_run(container="plain.dlc")
    assert "No Valid Input Schematics" in prepared.view().stderr


@pytest.mark.parametrize("reader", ["libQnnChrometraceProfilingReader.so", "libNone.so"])
def test_another_reader_prints_no_stats(profiled: Rig, reader: str) -> None:
    inputs = ("--input_log", "profilelogs/qnn-profiling-data.log", "--schematic", "net_schematic.bin")
    done = profiled.run(
        Tool.VIEWER, *inputs, "--reader", profiled.reader.with_name(reader), "--output=trace.json"
    )
    assert done.returncode == 1
    assert "Error printing stats." in done.stderr


def test_without_a_reader_the_viewer_prints_csv(profiled: Rig) -> None:
    done = profiled.run(Tool.VIEWER, "--input_log=profilelogs/qnn-profiling-data.log")
    assert done.stdout.startswith("Msg Timestamp,Message,Time,")
    assert done.stdout.count("QNN accelerator (execute) time") == 3


def test_a_viewer_older_than_the_log_writes_zero_bytes_and_says_nothing(
    profiled: Rig, tmp_path: Path
) -> None:
    (tmp_path / "older").mkdir()
    profiled.sdk = Rig.build(tmp_path / "older", version="2.45.0.260326").sdk
    done = profiled.view()
    assert (done.returncode, done.stderr) == (0, "")
    assert (profiled.cwd / "trace.json").read_bytes() == b""
