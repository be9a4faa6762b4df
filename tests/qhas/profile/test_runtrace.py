"""Phases and clock of every inference, from a file in the vendor's format."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from qhas.profile.runtrace import RuntraceInvalid, read_runtrace, runtrace_beside

VENDOR = Path(__file__).parents[3].parent / "shared/data/vendor/device-ovl-runtrace.json"


def bar(name: str, ts: int, us: float, ghz: float) -> dict[str, Any]:
    args = {"graph_name": "net", "summary_htp_frequency_ghz": ghz, "summary_time_us": us}
    return {"name": name, "ph": "X", "tid": 0, "pid": 0, "ts": ts, "dur": round(19.2 * us), "args": args}


def written(folder: Path, *events: dict[str, Any], kind: str = "RUN_TRACE") -> Path:
    file = folder / "chrometrace_runtrace.json"
    file.write_text(json.dumps({"header": {"artifact_type": kind}, "traceEvents": events}))
    return file


def test_every_inference_has_its_phases_in_their_order(tmp_path: Path) -> None:
    cold = [bar("QNN DSP Execute", 0, 800, 0.8), bar("Graph Execute", 90, 86, 0.8)]
    warm = [bar("QNN DSP Execute", 900, 23, 1.9), bar("Graph Execute", 910, 15.6, 1.9)]
    names = {
        "cat": "__metadata",
        "ph": "M",
        "pid": 0,
        "name": "process_name",
        "args": {"name": "net Runtraces"},
    }
    runtrace = read_runtrace(written(tmp_path, *cold, names, *warm, names))
    assert [[(phase.name, phase.us) for phase in inference.phases] for inference in runtrace.inferences] == [
        [("QNN DSP Execute", 800), ("Graph Execute", 86)],
        [("QNN DSP Execute", 23), ("Graph Execute", 15.6)],
    ]
    assert (runtrace.graph_us, runtrace.clock_mhz, runtrace.count) == (86, 800, 2)
    assert (runtrace.warm_us, runtrace.warm_clock_mhz) == (15.6, 1900)


def test_inferences_of_which_only_the_graph_is_known_are_several(tmp_path: Path) -> None:
    bars = [bar("Graph Execute", at, 10, 1.5) for at in (0, 200)]
    assert read_runtrace(written(tmp_path, *bars)).count == 2


@pytest.mark.parametrize("events", [(), (bar("VTCM Acquire", 0, 1, 1.5),), (bar("Graph Execute", 0, 1, 0),)])
def test_a_clock_that_is_not_told_is_none(tmp_path: Path, events: tuple[dict[str, Any], ...]) -> None:
    assert read_runtrace(written(tmp_path, *events)).clock_mhz is None


def test_a_clock_of_nothing_and_a_phase_of_no_time_are_not_told(tmp_path: Path) -> None:
    runtrace = read_runtrace(written(tmp_path, bar("Graph Execute", 0, 0, 0)))
    assert (runtrace.graph_us, runtrace.clock_mhz, runtrace.warm_us) == (0, None, None)


def test_of_cold_inferences_alone_and_of_none_there_is_no_warm_time(tmp_path: Path) -> None:
    cold = read_runtrace(
        written(tmp_path, bar("QNN DSP Execute", 0, 800, 0.8), bar("Graph Execute", 90, 86, 0.8))
    )
    assert (cold.count, cold.graph_us, cold.warm_us) == (1, 86, None)
    assert read_runtrace(written(tmp_path)).count == 0


def test_warm_is_the_median_of_all_but_the_first(tmp_path: Path) -> None:
    bars = [bar("Graph Execute", 1000 * at, us, 1.5) for at, us in enumerate((90, 12, 10, 50))]
    assert read_runtrace(written(tmp_path, *bars)).warm_us == 12


def test_the_order_of_the_file_says_nothing(tmp_path: Path) -> None:
    cold = [
        bar("QNN DSP Execute", 0, 800, 0.8),
        bar("VTCM Acquire", 0, 50, 0.8),
        bar("Graph Execute", 90, 86, 0.8),
    ]
    warm = [bar("QNN DSP Execute", 90000, 23, 1.9), bar("Graph Execute", 91000, 15.6, 1.9)]
    runtrace = read_runtrace(written(tmp_path, *reversed([*cold, *warm])))
    assert [len(inference.phases) for inference in runtrace.inferences] == [3, 2]
    assert (runtrace.vtcm_acquire_us, runtrace.warm_us) == (50, 15.6)


def test_of_several_cores_that_which_ends_last_counts_and_nothing_of_the_other_is_warm(
    tmp_path: Path,
) -> None:
    events = []
    for core, us in ((0, 80), (1, 90)):
        pair = [bar("QNN DSP Execute", 0, 800 + us, 0.8), bar("Graph Execute", 9, us, 0.8)]
        events += [event | {"tid": core} for event in pair]
        name = {"name": f"Core {core} Execs"}
        events.append({"ph": "M", "pid": 0, "tid": core, "name": "thread_name", "args": name})
    runtrace = read_runtrace(written(tmp_path, *events))
    assert [(inference.core, len(inference.phases)) for inference in runtrace.inferences] == [(1, 2)]
    assert (runtrace.graph_us, runtrace.warm_us) == (90, None)


def test_of_several_graphs_each_has_its_own_cold_inference(tmp_path: Path) -> None:
    bars = [bar("Graph Execute", at, us, 1.5) for at, us in ((0, 90), (5000, 70), (9000, 12), (12000, 9))]
    for event in bars[1::2]:
        event["args"]["graph_name"] = "decode"
    file = written(tmp_path, *bars)
    assert [(r.graph_us, r.warm_us) for r in (read_runtrace(file), read_runtrace(file, "decode"))] == [
        (90, 12),
        (70, 9),
    ]


def test_what_the_vendors_arguments_leave_out_follows_from_ticks_and_cycles(tmp_path: Path) -> None:
    event = bar("Graph Execute", 0, 100, 1.5)
    event["args"] = {"graph_name": "net", "stat_start_cycles": 1000, "stat_end_cycles": 141_000}
    runtrace = read_runtrace(written(tmp_path, event))
    assert (runtrace.graph_us, runtrace.clock_mhz) == (100, 1400)


def test_a_rate_of_a_phase_without_time_may_be_printed_as_inf(tmp_path: Path) -> None:
    file = written(tmp_path, bar("Graph Execute", 0, 10, 1.5))
    text = file.read_text()
    file.write_text(text.replace('"summary_time_us"', '"summary_inf/s": inf, "summary_time_us"'))
    assert read_runtrace(file).graph_us == 10


def test_a_record_keeps_no_endless_list(tmp_path: Path) -> None:
    runtrace = read_runtrace(written(tmp_path, *(bar("Graph Execute", 100 * at, 1, 1) for at in range(500))))
    assert (runtrace.count, len(runtrace.inferences) < 50) == (500, True)


@pytest.mark.parametrize(
    ("summary", "beside"),
    [
        ("x_qnn_htp_analysis_summary.json", "x_runtrace.json"),
        ("x_qnn_htp_analysis_summary.json.gz", "x_runtrace.json"),
        ("device-ovl-qhas.json", "device-ovl-runtrace.json"),
        ("qhas.json", "runtrace.json"),
    ],
)
def test_the_runtrace_beside_a_summary_is_found_by_its_name(
    tmp_path: Path, summary: str, beside: str
) -> None:
    written(tmp_path, bar("Graph Execute", 0, 10, 1.5)).rename(tmp_path / beside)
    found = runtrace_beside(tmp_path / summary)
    assert found
    assert found.graph_us == 10
    assert runtrace_beside(tmp_path / "other.json") is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b'{"header": {}}', b"\x1f\x8b\x08", b'{"traceEvents": []}']
)
def test_what_is_no_runtrace_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "chrometrace_runtrace.json"
    file.write_bytes(content)
    with pytest.raises(RuntraceInvalid, match="chrometrace_runtrace"):
        read_runtrace(file)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntraceInvalid, match="RUN_TRACE"):
        read_runtrace(written(tmp_path, kind="OP_TRACE"))


@pytest.mark.skipif(not VENDOR.is_file(), reason="the vendor's files are not beside the repository")
@pytest.mark.parametrize("packed", [False, True])
def test_the_vendors_own_file_is_read(tmp_path: Path, packed: bool) -> None:
    file = tmp_path / "runtrace.json"
    file.write_bytes(gzip.compress(VENDOR.read_bytes()) if packed else VENDOR.read_bytes())
    runtrace = read_runtrace(file)
    cold, warm = runtrace.inferences
    assert [phase.name for phase in cold.phases] == [phase.name for phase in warm.phases]
    assert [round(phase.us, 1) for phase in cold.phases] == [797.2, 50.2, 622.2, 86.3]
    assert runtrace.clock_mhz == pytest.approx(806.365)
    assert (runtrace.warm_us, runtrace.power_on_us) == (15.625, 622.24)


def test_a_pipe_beside_a_summary_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net_runtrace.json")
    with pytest.raises(RuntraceInvalid, match="not a regular file"):
        read_runtrace(tmp_path / "net_runtrace.json")
    assert runtrace_beside(tmp_path / "net_qnn_htp_analysis_summary.json") is None
