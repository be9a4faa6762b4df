"""What we draw and report from files in the vendor's shape agrees with figures recomputed here from their bytes alone.

`vendor_shape` holds small invented files like those that the vendor's viewer writes. If the vendor's own files are
beside the repository, they are judged as well, and the small ones must look just like them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.rig import ALL_FEATURES, Rig
from hostsdk.viewer.command import main as view
from qhas.profile.dominant import dominant_path
from qhas.profile.metrics import metrics_of
from qhas.profile.picture import CounterKind, Lane, Timeline, read_timeline
from qhas.profile.qhas_file import read_qhas
from tests.hostsdk.viewer import tiny
from tests.judges import shapes
from tests.judges.shapes import misfits, shape_of

OWN = Path(__file__).parent / "vendor_shape"
VENDOR = Path(__file__).parents[2].parent / "shared/data/vendor"
beside = pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not beside the repository")

SHAPES = {
    "chrometrace.json": "device-hvx-int16-chrometrace.json",
    "qhas.json": "device-hvx-int16-qhas.json",
    "runtrace.json": "device-ovl-runtrace.json",
}
PAIRS = [
    pytest.param((OWN / "chrometrace.json", OWN / "qhas.json"), id="invented"),
    pytest.param(
        (VENDOR / "device-hvx-int16-chrometrace.json", VENDOR / "device-hvx-int16-qhas.json"),
        id="vendor",
        marks=beside,
    ),
]
SUMMARIES = [
    pytest.param(OWN / "qhas.json", id="invented"),
    *(
        pytest.param(VENDOR / f"device-{name}-qhas.json", id=name, marks=beside)
        for name in ("hvx-int16", "native", "ovl", "resnet50")
    ),
]


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


class Files:
    """A trace and its QHAS as the vendor wrote them, and the picture we draw."""

    def __init__(self, trace: Path, qhas: Path) -> None:
        self.events = load(trace)["traceEvents"]
        self.sections = {name: section["data"] for name, section in load(qhas)["data"].items()}
        self.overall = self.sections["htp_overall_summary"][0]
        self.picture: Timeline = read_timeline(trace, dominant_path(read_qhas(qhas)))
        self.without_qhas = read_timeline(trace)
        first = min(row["start_cycle"] for row in self.sections["htp_op_instances"])
        begins = min(e["ts"] for e in self.events if e["ph"] == "X" and e["pid"] == 0 and e["tid"] != 1)
        self.origin = first - begins

    def filled(self, spans: list[tuple[int, int, float]]) -> list[float]:
        """Return the amount in every bin of the picture, with each span's amount spread evenly over it."""
        width = self.picture.bin_cycles
        amounts = [0.0] * len(self.picture.dominant.busy)
        for start, end, amount in spans:
            for at in range(start // width, (end - 1) // width + 1):
                overlap = min(end, (at + 1) * width) - max(start, at * width)
                amounts[at] += amount * overlap / (end - start)
        return amounts

    def agrees(self, lane: Lane, spans: list[tuple[int, int]]) -> bool:
        cycles = self.filled([(start, end, end - start) for start, end in spans])
        shares = [100 * amount / self.picture.bin_cycles for amount in cycles]
        return all(
            abs(busy - share) <= 0.51 or (busy == 1 and 0 < share < 1)
            for busy, share in zip(lane.busy, shares, strict=True)
        )


@pytest.fixture(params=PAIRS)
def files(request: pytest.FixtureRequest) -> Files:
    return Files(*request.param)


def test_every_lane_is_the_ops_of_its_thread(files: Files) -> None:
    for resource in files.overall["htp_resources"]["data"]:
        (lane,) = [
            lane for lane in files.picture.lanes if lane.name == f"{resource['type']} {resource['tid']}"
        ]
        spans = [
            (row["start_cycle"] - files.origin, row["start_cycle"] - files.origin + row["cycles"])
            for row in files.sections["htp_op_instances"]
            if row["tid"] == resource["tid"]
        ]
        assert sum(end - start for start, end in spans) == resource["cycles_used"]
        assert files.agrees(lane, spans)


def test_the_dominant_lane_is_the_path_of_the_qhas(files: Files) -> None:
    spans = [
        (row["start_cycle"] - files.origin, row["end_cycle"] - files.origin)
        for row in files.sections["dominant_path_htp_0"]
        if row["op_id"] != "0x0"
    ]
    assert files.agrees(files.picture.dominant, spans)
    assert files.agrees(files.without_qhas.dominant, spans)


@pytest.mark.parametrize("field", ["dram_read", "dram_write", "vtcm_read", "vtcm_write"])
def test_a_memory_lane_is_the_bytes_of_every_op_spread_over_it(files: Files, field: str) -> None:
    """What is drawn from the trace, which has only levels, agrees with the bytes per execution that the QHAS has."""
    name = field.upper().replace("_READ", " read").replace("_WRITE", " write")
    (counter,) = [counter for counter in files.picture.counters if counter.name == name]
    spans = [
        (row["start_cycle"] - files.origin, row["start_cycle"] - files.origin + row["cycles"], row[field])
        for row in files.sections["htp_op_instances"]
        if row[field]
    ]
    assert counter.kind is CounterKind.MOVED
    assert sum(counter.bytes) == files.overall[f"total_{field}"]
    for drawn, moved in zip(counter.bytes, files.filled(spans), strict=True):
        assert abs(drawn - moved) <= 1


def test_the_most_vtcm_in_use_is_that_of_the_qhas(files: Files) -> None:
    (held,) = [counter for counter in files.picture.counters if counter.kind is CounterKind.HELD]
    assert max(held.bytes) == files.overall["peak_vtcm_alloc"]


@pytest.mark.parametrize("summary", SUMMARIES)
def test_every_figure_of_the_record_is_the_files_own(summary: Path) -> None:
    overall = load(summary)["data"]["htp_overall_summary"]["data"][0]
    metrics = metrics_of(read_qhas(summary))
    told = {
        "time_us": metrics.time_us,
        "timeline_cycles": metrics.timeline_cycles,
        "percent_utilization": metrics.utilization_percent,
        "total_dram_read": metrics.dram_read,
        "total_dram_write": metrics.dram_write,
        "total_vtcm_read": metrics.vtcm_read,
        "total_vtcm_write": metrics.vtcm_write,
        "peak_vtcm_alloc": metrics.peak_vtcm,
        "qnn_nodes": metrics.qnn_nodes,
        "htp_nodes": metrics.htp_nodes,
    }
    assert told == {name: overall[name] for name in told}


@beside
@pytest.mark.parametrize(("own", "vendor"), list(SHAPES.items()))
def test_the_invented_files_look_just_like_the_vendors(own: str, vendor: str) -> None:
    invented, real = load(OWN / own), load(VENDOR / vendor)
    assert misfits(invented, shape_of(real)) == []
    assert misfits(real, shape_of(invented)) == []


@beside
def test_the_shapes_that_are_kept_are_those_of_the_vendors_files() -> None:
    assert json.loads(shapes.DRAWN.read_bytes()) == shapes.draw(VENDOR)


def test_a_shape_is_kept_whole() -> None:
    for file in SHAPES:
        shape = shape_of(load(OWN / file))
        assert shapes.Shape.from_json(shape.to_json()) == shape


@pytest.mark.parametrize("file", SHAPES)
def test_the_invented_files_have_the_shapes_that_are_kept(file: str) -> None:
    assert misfits(load(OWN / file), shapes.drawn()[file.removesuffix(".json")]) == []


def test_swapped_names_of_threads_and_processes_are_no_shape_of_the_vendors() -> None:
    runtrace = load(OWN / "runtrace.json")
    for event in runtrace["traceEvents"]:
        if event["ph"] == "M":
            event["name"] = {"thread_name": "process_name", "process_name": "thread_name"}[event["name"]]
    assert len(misfits(runtrace, shapes.drawn()["runtrace"])) >= 2


WRITTEN = {
    "chrometrace.json": "trace.json",
    "qhas.json": "trace_qnn_htp_analysis_summary.json",
    "runtrace.json": "trace_runtrace.json",
}


@pytest.fixture(scope="module")
def of_the_fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rig = Rig.build(tmp_path_factory.mktemp("fake"))
    assert rig.prepare().returncode == 0
    assert rig.net_run().returncode == 0
    rig.view(features=ALL_FEATURES, output="trace.json")
    return rig.cwd


@pytest.fixture(scope="module")
def of_the_host_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    (folder / "run.log").write_bytes(tiny.log())
    (folder / "tiny_schematic.bin").write_text(tiny.SCHEMATIC)
    (folder / "config.json").write_text(json.dumps({"features": ALL_FEATURES}))
    inputs = {"input_log": "run.log", "schematic": "tiny_schematic.bin", "config": "config.json"}
    argv = [f"--{option}={folder / file}" for option, file in inputs.items()]
    reader = "--reader=/sdk/lib/libQnnHtpOptraceProfilingReader.so"
    assert view([*argv, reader, f"--output={folder / 'trace.json'}"]) == 0
    return folder


@pytest.mark.parametrize("writer", ["of_the_fake", "of_the_host_sdk"])
@pytest.mark.parametrize(("reference", "file"), list(WRITTEN.items()))
def test_what_we_write_has_the_vendors_shape(
    writer: str, reference: str, file: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(writer)
    assert misfits(load(folder / file), shapes.drawn()[reference.removesuffix(".json")]) == []
