"""Phases and clock of every inference, from a file in the vendor's shape."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from qhas.profile.runtrace import RuntraceInvalid, clock_mhz, read_runtrace

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
    inferences = read_runtrace(written(tmp_path, *cold, names, *warm, names))
    assert [[(phase.name, phase.us) for phase in inference.phases] for inference in inferences] == [
        [("QNN DSP Execute", 800), ("Graph Execute", 86)],
        [("QNN DSP Execute", 23), ("Graph Execute", 15.6)],
    ]
    assert clock_mhz(inferences) == 800


def test_inferences_of_which_only_the_graph_is_known_are_several(tmp_path: Path) -> None:
    bars = [bar("Graph Execute", at, 10, 1.5) for at in (0, 200)]
    assert len(read_runtrace(written(tmp_path, *bars))) == 2


@pytest.mark.parametrize("events", [(), (bar("VTCM Acquire", 0, 1, 1.5),), (bar("Graph Execute", 0, 1, 0),)])
def test_a_clock_that_is_not_told_is_none(tmp_path: Path, events: tuple[dict[str, Any], ...]) -> None:
    assert clock_mhz(read_runtrace(written(tmp_path, *events))) is None


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
    cold, warm = read_runtrace(file)
    assert [phase.name for phase in cold.phases] == [phase.name for phase in warm.phases]
    assert [round(phase.us, 1) for phase in cold.phases] == [797.2, 50.2, 622.2, 86.3]
    assert clock_mhz([cold, warm]) == pytest.approx(806.365)
