"""The command line: what it accepts, what it refuses, what it leaves behind."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hostsdk.viewer.command import main
from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.conftest import READER, Desk
from tests.hostsdk.viewer.log_writer import chunk, event, message

Captured = pytest.CaptureFixture[str]
JSON_FILES = {
    "chrometrace.json",
    "chrometrace_qnn_htp_analysis_summary.json",
    "chrometrace_htp.json",
    "chrometrace_runtrace.json",
    "qhas_schema.json",
}
PAGE = "chrometrace_qnn_htp_analysis_summary.html"


def test_all_files_stand_next_to_the_output_and_are_listed(desk: Desk, capsys: Captured) -> None:
    assert desk.view() == 0
    assert desk.files == JSON_FILES | {PAGE}
    assert {Path(line).name for line in capsys.readouterr().out.splitlines()} == desk.files


@pytest.mark.parametrize("name", sorted(JSON_FILES))
def test_every_json_file_is_json(viewed: Desk, name: str) -> None:
    assert viewed.json(name)


@pytest.mark.parametrize(
    ("config", "extra", "output"),
    [
        ({"features": {"qhas_json": True, "qhas_schema": True}}, ["--gzip"], "chrometrace.json"),
        ({"features": {"qhas_json": True, "qhas_schema": True}}, [], "chrometrace.json.gz"),
        ({"features": {"qhas_json": True, "qhas_schema": True, "gzip": True}}, [], "chrometrace.json"),
        ({"features": {"qhas_json": True, "qhas_schema": True}, "gzip": True}, [], "chrometrace.json"),
    ],
)
def test_outputs_can_be_compressed_in_every_documented_way(
    desk: Desk, config: Any, extra: list[str], output: str
) -> None:
    assert desk.view_config(config, *extra, output=output) == 0
    assert desk.files == {f"{name}.gz" for name in JSON_FILES | {PAGE}}
    packed = (desk.out / "chrometrace.json.gz").read_bytes()
    assert json.loads(gzip.decompress(packed))["header"]["artifact_type"] == "OP_TRACE"


def test_compressed_outputs_are_the_same_bytes_every_time(desk: Desk) -> None:
    packed = []
    for _ in range(2):
        desk.view("--gzip")
        packed.append((desk.out / "chrometrace.json.gz").read_bytes())
    assert packed[0] == packed[1]


def test_the_stem_is_the_output_without_its_extension(desk: Desk) -> None:
    assert desk.view(output="v1.2.json", features={}) == 0
    assert desk.files == {
        "v1.2.json",
        "v1.2_qnn_htp_analysis_summary.html",
        "v1.2_htp.json",
        "v1.2_runtrace.json",
    }


def test_without_a_reader_the_report_goes_to_stdout(desk: Desk, capsys: Captured) -> None:
    assert main(["--input_log", f"{desk.directory}/run.log"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == [
        "Msg Timestamp",
        "Message",
        "Time",
        "Unit of Measurement",
        "Timing Source",
        "Event Level",
        "Event Identifier",
    ]
    assert rows[1:] == [
        ["0", "FINALIZE", "88", "US", "BACKEND", "ROOT", "QNN (finalize) time"],
        ["0", "UNKNOWN", "45", "US", "BACKEND", "SUB-EVENT", "Completion"],
        ["0", "BACKEND", "0", "US", "BACKEND", "ROOT", "Performance Estimates"],
        ["0", "BACKEND", "126", "CYCLES", "BACKEND", "SUB-EVENT", "Simulated (Accelerator exec cycles)"],
        ["0", "BACKEND", "2", "US", "BACKEND", "SUB-EVENT", "Simulated (Accelerator exec time us)"],
        ["0", "BACKEND", "0", "US", "BACKEND", "SUB-EVENT", "Bandwidth Stats"],
        ["0", "BACKEND", "100", "BYTES", "BACKEND", "SUB-EVENT", "Input Fill"],
        [
            "0",
            "BACKEND",
            "0",
            "US",
            "BACKEND",
            "SUB-EVENT",
            "Missing Ops (Number of Ops with no Costs associated)",
        ],
        ["0", "UNKNOWN", "UNKNOWN", "OBJECT", "BACKEND", "ROOT", "QNN Trace Hextimate Event"],
        ["0", "EXECUTE", "420", "US", "BACKEND", "ROOT", "QNN (execute) time"],
        ["0", "NODE", "7", "CYCLES", "BACKEND", "SUB-EVENT", "conv:OpId_16 (cycles)"],
    ]


def test_without_a_reader_output_names_the_report(desk: Desk, capsys: Captured) -> None:
    assert main([f"--input_log={desk.directory}/run.log", f"--output={desk.out}/report.csv"]) == 0
    assert (desk.out / "report.csv").read_text().count("\n") == 12
    assert capsys.readouterr().out == ""


def test_several_logs_are_reported_one_after_the_other(desk: Desk, capsys: Captured) -> None:
    log = f"{desk.directory}/run.log"
    assert main(["--input_log", f"{log},{log}"]) == 0
    assert capsys.readouterr().out.count("FINALIZE") == 2


def test_the_timeline_may_be_in_any_of_the_logs(desk: Desk) -> None:
    other = desk.directory / "other.log"
    other.write_bytes(chunk([message("tiny", [event("QNN (execute) time", 400, 5)], method=1)]))
    assert desk.view("--input_log", f"{other},{desk.directory}/run.log") == 0


def test_another_reader_fails_as_the_vendors(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--reader", "lib/libQnnChrometraceProfilingReader.so") == 1
    assert capsys.readouterr().err.startswith("Error printing stats.")
    assert desk.files == set()


def _foreign(desk: Desk) -> list[str]:
    other = desk.directory / "other.bin"
    other.write_text(tiny.SCHEMATIC.replace('"tiny"', '"huge"'))
    return ["--schematic", str(other)]


def _incomplete(desk: Desk) -> list[str]:
    other = desk.directory / "other.bin"
    other.write_text(tiny.SCHEMATIC.replace("0x0000000000000010: 'conv',\n", ""))
    return ["--schematic", str(other)]


def _digest_of_another(desk: Desk) -> list[str]:
    recorded = {"schematic_sha256": hashlib.sha256(b"another").hexdigest()}
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(hostsdk=recorded)))
    return []


def _absent(desk: Desk) -> list[str]:
    return ["--schematic", str(desk.directory / "absent.bin")]


def _no_schematic(desk: Desk) -> list[str]:
    return ["--schematic", str(desk.directory / "run.log")]


@pytest.mark.parametrize("arrange", [_foreign, _incomplete, _digest_of_another, _absent, _no_schematic])
def test_a_missing_or_foreign_schematic_fails_as_the_vendors(
    desk: Desk, capsys: Captured, arrange: Any
) -> None:
    assert desk.view(*arrange(desk)) == 1
    assert capsys.readouterr().err.startswith("No Valid Input Schematics")
    assert desk.files == set()


@pytest.mark.parametrize("op_id", [0x12300000077, 0x9900000099])
def test_an_op_that_a_fitting_schematic_does_not_know_is_drawn_as_what_it_is(desk: Desk, op_id: int) -> None:
    ops = [*tiny.OPS, tiny.op("default_dma (q::move)", op_id, 5, 30, 5, "for_dma", (8, 0, 0, 8), 1)]
    recorded = {"schematic_sha256": hashlib.sha256(tiny.SCHEMATIC.encode()).hexdigest()}
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(ops, hostsdk=recorded)))
    assert desk.view() == 0
    (drawn,) = [event for event in desk.trace if event["name"] == "q::move" and event["pid"] == 0]
    assert drawn["args"]["QNN Op Name"] == f"unknown op {op_id & 0xFF:#x}"
    assert desk.summary["data"]["htp_overall_summary"]["data"][0]["total_dram_read"] == 108


def test_no_schematic_at_all_fails_as_the_vendors(desk: Desk, capsys: Captured) -> None:
    log, output = f"{desk.directory}/run.log", f"{desk.out}/chrometrace.json"
    assert main(["--reader", READER, "--input_log", log, "--output", output]) == 1
    assert capsys.readouterr().err.startswith("No Valid Input Schematics")


def test_the_recorded_digest_accepts_its_own_schematic(desk: Desk) -> None:
    recorded = {"schematic_sha256": hashlib.sha256(tiny.SCHEMATIC.encode()).hexdigest()}
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(hostsdk=recorded)))
    assert desk.view() == 0


@pytest.mark.parametrize("content", [b"", tiny.log()[:500], b"not a log at all"])
def test_a_damaged_log_is_refused_in_one_line(desk: Desk, capsys: Captured, content: bytes) -> None:
    (desk.directory / "run.log").write_bytes(content)
    assert desk.view() == 1
    assert "is not a complete QNN profiling log" in capsys.readouterr().err
    assert desk.files == set()


def test_a_log_without_timeline_is_refused(desk: Desk, capsys: Captured) -> None:
    execute = message("tiny", [event("QNN (execute) time", 400, 5)], method=1)
    (desk.directory / "run.log").write_bytes(chunk([execute]))
    assert desk.view() == 1
    assert "prepared without --profiling_level qhas" in capsys.readouterr().err


def test_a_failing_run_leaves_earlier_outputs_alone(viewed: Desk) -> None:
    before = {name: (viewed.out / name).read_bytes() for name in viewed.files}
    assert viewed.view("--schematic", "absent.bin") == 1
    assert {name: (viewed.out / name).read_bytes() for name in viewed.files} == before


def test_nothing_half_written_stays_when_a_writer_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hostsdk.viewer.output._copy", fail)
    assert desk.view() == 1
    assert desk.files == set()


def test_an_output_directory_that_does_not_exist_is_refused(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--output", f"{desk.out}/deep/chrometrace.json") == 1
    assert "does not exist; create it first" in capsys.readouterr().err


def test_a_reader_needs_an_output(desk: Desk, capsys: Captured) -> None:
    schematic = f"--schematic={desk.directory}/tiny_schematic.bin"
    assert main(["--reader", READER, "--input_log", f"{desk.directory}/run.log", schematic]) == 1
    assert "--reader needs --output" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["--input_log"], ["--input_log", "x", "--colour"], ["--input", "x"]])
def test_a_wrong_command_line_is_exit_code_2(argv: list[str], capsys: Captured) -> None:
    assert main(argv) == 2
    assert "usage: qnn-profile-viewer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "text"), [("--help", "--zoom_start"), ("--version", "qnn-profile-viewer")]
)
def test_help_and_version_are_printed(option: str, text: str, capsys: Captured) -> None:
    assert main([option]) == 0
    assert text in capsys.readouterr().out


def test_zoom_restricts_trace_and_figures(desk: Desk) -> None:
    assert desk.view("--zoom_start", "conv", "--zoom_end", tiny.HOSTILE_NAME) == 0
    (overall,) = desk.summary["data"]["htp_overall_summary"]["data"]
    assert (overall["timeline_cycles"], overall["qnn_nodes"], overall["percent_idle"]) == (60, 2, 0.0)
    assert overall["total_dram"] == 0
    names = {event["name"] for event in desk.trace if event["ph"] == "X"}
    assert names == {"q::ConvLayer_s1.opt", "q::Relu_ref"}


def test_zoom_with_one_side_leaves_the_other_open(desk: Desk) -> None:
    assert desk.view("--zoom_start=conv") == 0
    (overall,) = desk.summary["data"]["htp_overall_summary"]["data"]
    assert (overall["timeline_cycles"], overall["time_us"]) == (86, 1)


def test_zoom_to_an_unknown_node_names_the_nearest(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--zoom_end", "conf") == 1
    assert "No node 'conf' ran in graph 'tiny'; did you mean conv" in capsys.readouterr().err
    assert desk.files == set()


def test_zoom_the_wrong_way_round_is_refused(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--zoom_start", "Output", "--zoom_end", "Input") == 1
    assert "swap --zoom_start and --zoom_end" in capsys.readouterr().err


def dlc(desk: Desk, records: dict[str, str]) -> str:
    path = desk.directory / "model.dlc"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in records.items():
            archive.writestr(name, text)
    content = path.read_bytes()
    for entry in zipfile.ZipFile(path).infolist():
        content = content.replace(entry.CRC.to_bytes(4, "little"), bytes(4))
    path.write_bytes(content)
    return str(path)


FRAMEWORK_TRACE = {
    "subgraph_traces": [
        {
            "graph_name": "tiny",
            "op_mappings": [
                {
                    "dst_name": "conv",
                    "sources": [
                        {"name": "Conv_0", "type": "OP"},
                        {"name": "weight", "type": "TENSOR"},
                        {"name": "Relu_1", "type": "OP"},
                    ],
                }
            ],
        }
    ]
}


def test_a_dlc_with_a_framework_trace_names_the_ops_of_the_framework(desk: Desk) -> None:
    traced = dlc(desk, {"model": "", "qnn_op_trace.json": json.dumps(FRAMEWORK_TRACE)})
    assert desk.view("--dlc", traced, "--zoom_start", "Conv_0 + Relu_1", "--zoom_end", "conv") == 0
    names = {event["args"]["Framework Op Name"] for event in desk.trace if event["ph"] == "X"}
    assert names == {"Conv_0 + Relu_1"}


def test_a_dlc_without_a_framework_trace_is_a_warning(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--dlc", dlc(desk, {"model": ""})) == 0
    assert "carries no framework trace of graph 'tiny'" in capsys.readouterr().err


def test_what_is_no_dlc_is_refused(desk: Desk, capsys: Captured) -> None:
    assert desk.view("--dlc", f"{desk.directory}/run.log") == 1
    assert "is not a DLC" in capsys.readouterr().err


def test_ops_without_cost_are_announced_and_recorded(desk: Desk, capsys: Captured) -> None:
    (desk.directory / "run.log").write_bytes(tiny.log(without_cost=3))
    assert desk.view() == 0
    assert "3 ops have no known cost" in capsys.readouterr().err
    assert desk.summary["header"]["provenance"]["ops_without_cost"] == 3


def test_an_estimate_without_gaps_needs_no_warning(desk: Desk, capsys: Captured) -> None:
    assert desk.view() == 0
    assert capsys.readouterr().err == ""
