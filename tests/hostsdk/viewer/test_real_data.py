"""The viewer at the end of the host SDK's own chain: log, trace and summary must agree."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.hostsdk.viewer.test_companions import open_in_netron

pytestmark = [pytest.mark.hostsdk, pytest.mark.xdist_group("viewer_real_data")]

TRAFFIC = ("dram_read", "dram_write", "vtcm_read", "vtcm_write")


@dataclass
class Profile:
    """Everything the chain left behind for one SoC."""

    soc: str
    directory: Path
    report: dict[str, str]

    def load(self, suffix: str) -> Any:
        return json.loads((self.directory / f"chrometrace{suffix}.json").read_text())

    @cached_property
    def overview(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.load("")["traceEvents"]
        return [event for event in events if event["pid"] == 0]

    @cached_property
    def summary(self) -> dict[str, Any]:
        document: dict[str, Any] = self.load("_qnn_htp_analysis_summary")
        return document

    @cached_property
    def overall(self) -> dict[str, Any]:
        (row,) = self.rows("htp_overall_summary")
        return row

    def rows(self, section: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.summary["data"][section]["data"]
        return found

    def work(self) -> list[dict[str, Any]]:
        """Return the op events of the overview without the foreground thread's bookkeeping."""
        bookkeeping = {"sync", "dma_set", "dma_wait"}
        return [e for e in self.overview if e["ph"] == "X" and not bookkeeping & set(e["args"]["Flags"])]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Profile]:
    """The chain, run once for each SoC requested, whatever the order of the tests."""
    return cache(lambda soc: _run_chain(soc, tmp_path_factory.mktemp(soc)))


@pytest.fixture(params=["sa8255", "sa8797", pytest.param("sar2230p", marks=pytest.mark.slow)])
def profile(request: pytest.FixtureRequest, chain: Callable[[str], Profile]) -> Profile:
    return chain(request.param)


def _run_chain(soc: str, directory: Path) -> Profile:
    run = Tools(directory)
    _write_network(directory / "net.onnx")
    np.random.default_rng(2).normal(size=(1, 3, 48, 48)).astype(np.float32).tofile(directory / "x.raw")
    (directory / "input_list.txt").write_text("x.raw\nx.raw\n")
    return _profiled(run, soc, directory)


def _profiled(run: Tools, soc: str, directory: Path) -> Profile:
    (directory / "config.json").write_text('{"features": {"qhas_json": true, "qhas_schema": true}}')
    level = ["--profiling_level", "qhas"]
    run("snpe-onnx-to-dlc", "-i", "net.onnx", "-o", "net.dlc")
    run("snpe-dlc-graph-prepare", "--input_dlc=net.dlc", "--output_dlc=c.dlc", "--htp_socs", soc, *level)
    run("snpe-net-run", "--container", "c.dlc", "--input_list", "input_list.txt", "--use_dsp", *level)
    log = ["--input_log", "profilelogs/qnn-profiling-data.log"]
    (schematic,) = directory.glob("*_schematic.bin")
    reader = ["--reader", str(run.reader), "--config", "config.json", "--schematic", schematic.name]
    run("qnn-profile-viewer", *log, *reader, "--output", "chrometrace.json")
    rows = csv.DictReader(io.StringIO(run("qnn-profile-viewer", *log)))
    report = {row["Event Identifier"]: row["Time"] for row in reversed(list(rows))}
    return Profile(soc, directory, report)


class Tools:
    """The host SDK's executables, run in one directory."""

    def __init__(self, directory: Path) -> None:
        made = subprocess.run([sys.executable, "-m", "hostsdk", "root"], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(made.stderr.strip())
        self._root = Path(made.stdout.strip())
        self._directory = directory
        self.reader = self._root / "lib/x86_64-linux-clang/libQnnHtpOptraceProfilingReader.so"

    def __call__(self, tool: str, *arguments: str) -> str:
        path = self._root / "bin/x86_64-linux-clang" / tool
        done = subprocess.run(
            [path, *arguments], cwd=self._directory, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


class Network:
    """A small network, quantised as tools do it: every tensor passes a QuantizeLinear/DequantizeLinear pair."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def op(self, kind: str, name: str, *inputs: str, weight: tuple[int, ...] = (), **attributes: Any) -> str:
        feeding = [*inputs, self._weight(name, weight)] if weight else list(inputs)
        self._nodes.append(helper.make_node(kind, feeding, [f"{name}_out"], name, **attributes))
        return self.quantised(f"{name}_out", np.uint8(128))

    def quantised(self, tensor: str, zero: np.generic, stored: str | None = None) -> str:
        scale = self._constant(f"{tensor}_scale", np.float32(0.05))
        offset = self._constant(f"{tensor}_zero", zero)
        if stored is None:
            stored = f"{tensor}_q"
            self._nodes.append(helper.make_node("QuantizeLinear", [tensor, scale, offset], [stored], stored))
        back = f"{tensor}_dq"
        self._nodes.append(helper.make_node("DequantizeLinear", [stored, scale, offset], [back], back))
        return back

    def save(self, path: Path, output: str, shape: tuple[int, ...]) -> None:
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 48, 48))]
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "net", inputs, outputs, self._constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)

    def _weight(self, name: str, shape: tuple[int, ...]) -> str:
        values = self._random.integers(-9, 9, shape).astype(np.int8)
        return self.quantised(f"{name}_w", np.int8(0), self._constant(f"{name}_w", values))

    def _constant(self, name: str, value: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def _write_network(path: Path) -> None:
    net = Network()
    start = net.quantised("x", np.uint8(128))
    first = net.op("Conv", "first", start, weight=(16, 3, 3, 3), pads=[1] * 4, strides=[2, 2])
    second = net.op("Conv", "second", first, weight=(16, 16, 3, 3), pads=[1] * 4)
    added = net.op("Add", "add", first, second)
    pooled = net.op("MaxPool", "pool", added, kernel_shape=[2, 2], strides=[2, 2])
    last = net.op("Conv", "last", pooled, weight=(32, 16, 1, 1))
    net.save(path, last, (1, 32, 12, 12))


def test_cycles_and_time_are_the_logs(profile: Profile) -> None:
    assert profile.overall["timeline_cycles"] == int(profile.report["Simulated (Accelerator exec cycles)"])
    assert profile.overall["time_us"] == int(profile.report["Simulated (Accelerator exec time us)"])


def test_the_trace_ends_where_the_log_says(profile: Profile) -> None:
    end = max(event["ts"] + event["dur"] for event in profile.overview if event["ph"] == "X")
    assert 0 <= profile.overall["timeline_cycles"] - end <= 6


def test_bytes_read_from_dram_agree_between_log_and_summary(profile: Profile) -> None:
    filled = sum(int(profile.report[name]) for name in ("Input Fill", "Intermediate Fill", "Inter HTP Fill"))
    assert filled == profile.overall["total_dram_read"] > 0


@pytest.mark.parametrize("field", TRAFFIC)
def test_a_level_of_the_trace_is_what_the_ops_of_the_summary_move_that_run(
    profile: Profile, field: str
) -> None:
    name = field.upper().replace("_READ", " read").replace("_WRITE", " write")
    rows = profile.rows("htp_op_instances")
    samples = [(e["ts"], e["args"][""]) for e in profile.overview if e["ph"] == "C" and e["name"] == name]
    assert len(samples) > 10
    for cycle, level in samples:
        running = [r for r in rows if r["start_cycle"] <= cycle < r["start_cycle"] + r["cycles"]]
        assert level == sum(row[field] for row in running)


def test_the_compiled_graph_sums_to_the_summary(profile: Profile) -> None:
    nodes = profile.load("_htp")["graph"]["nodes"].values()
    for name in TRAFFIC:
        (code,) = {key for node in nodes for key in node["scalar_params"][f"mem_{name}"]}
        summed = sum(node["scalar_params"][f"mem_{name}"][code] for node in nodes)
        assert summed == profile.overall[f"total_{name}"]


def test_bytes_of_every_op_agree_with_the_schematic(profile: Profile) -> None:
    (schematic,) = profile.directory.glob("*_schematic.bin")
    rows = re.findall(
        r'\{"opid" : 0x0*([0-9a-f]+) , "dram_read": (\d+) , "dram_write": (\d+) , "vtcm_read": (\d+) , '
        r'"vtcm_write": (\d+)',
        schematic.read_text(),
    )
    summed: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in profile.rows("htp_op_instances"):
        summed[row["op_id"]] = [a + row[name] for a, name in zip(summed[row["op_id"]], TRAFFIC, strict=True)]
    compared = [(summed[f"0x{op}"], [int(n) for n in moved]) for op, *moved in rows if f"0x{op}" in summed]
    assert len(compared) > 10
    assert [ours for ours, _ in compared] == [theirs for _, theirs in compared]


def test_cycles_of_the_trace_are_those_of_the_summary(profile: Profile) -> None:
    traced: Counter[str] = Counter()
    for event in profile.work():
        traced[event["args"]["HTP Op Type"]] += event["args"]["Duration (cycles)"]
    assert traced == {row["op"]: row["cycles"] for row in profile.rows("htp_op_types")}


def test_the_dominant_path_is_the_same_everywhere_and_tiles_the_timeline(profile: Profile) -> None:
    rows = profile.rows("dominant_path_htp_0")
    idle = sum(row["dp_cycles"] for row in rows if row["htp_op"] == "Accumulated Idle")
    busy = sum(event["args"]["Dominant Path Cycles"] for event in profile.work())
    by_type = sum(row["num_dominant_path_cycles_htp_0"] for row in profile.rows("qnn_op_types"))
    assert busy == by_type == sum(row["dp_cycles"] for row in rows) - idle
    assert busy + idle == profile.overall["timeline_cycles"]
    assert profile.overall["percent_idle"] == pytest.approx(100 * idle / profile.overall["timeline_cycles"])


@pytest.mark.parametrize(
    "section", ["qnn_op_types", "qnn_op_instances_nodes", "htp_op_types", "htp_op_instances"]
)
def test_every_section_sums_to_the_resources(profile: Profile, section: str) -> None:
    resources = profile.overall["htp_resources"]["data"]
    assert sum(row["cycles"] for row in profile.rows(section)) == sum(row["cycles_used"] for row in resources)
    for name in TRAFFIC:
        assert sum(row[name] for row in profile.rows(section)) == sum(row[name] for row in resources)


def test_nodes_are_those_of_the_network(profile: Profile) -> None:
    types = {row["qnn_op_type"] for row in profile.rows("qnn_op_instances_nodes")}
    assert {"Input", "Output", "Conv2d", "PoolMax2d"} <= types


def test_the_summary_validates_and_says_it_is_simulated(profile: Profile) -> None:
    schema = json.loads((profile.directory / "qhas_schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(profile.summary)
    provenance = profile.summary["header"]["provenance"]
    assert (provenance["origin"], provenance["soc"], provenance["estimate"]) == (
        "simulator",
        profile.soc,
        "supported",
    )


def test_netron_opens_the_compiled_graph(profile: Profile) -> None:
    opened = open_in_netron(profile.directory / "chrometrace_htp.json")
    durations = sum(value for _, name, value in opened["attributes"] if name == "cycles_duration")
    assert durations > 0


def _layer_norm() -> list[onnx.NodeProto]:
    return [
        helper.make_node("LayerNormalization", ["x", "scale", "bias"], ["l"], "norm", axis=-1),
        helper.make_node("MatMul", ["l", "weight"], ["y"], "product"),
    ]


def _split() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Split", ["x"], ["a", "b"], "parts", axis=-1, num_outputs=2),
        helper.make_node("Mul", ["a", "b"], ["c"], "gate"),
        helper.make_node("Concat", ["c", "b"], ["y"], "whole", axis=-1),
    ]


@pytest.mark.parametrize(
    ("nodes", "node", "kind"),
    [(_layer_norm(), "constant 1 of norm", "$Const"), (_split(), "parts", "Split")],
    ids=["constants of a LayerNorm", "several outputs"],
)
def test_a_network_of_floats_is_drawn_with_everything_that_ran_in_it(
    tmp_path: Path, nodes: list[onnx.NodeProto], node: str, kind: str
) -> None:
    draw = np.random.default_rng(3).normal
    shapes = {"scale": (128,), "bias": (128,), "weight": (128, 128)}
    used = {name for one in nodes for name in one.input}
    constants = [
        numpy_helper.from_array(draw(size=shape).astype(np.float32), name)
        for name, shape in shapes.items()
        if name in used
    ]
    sides = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 64, 128))] for name in "xy"]
    graph = helper.make_graph(nodes, "net", *sides, constants)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8),
        tmp_path / "net.onnx",
    )
    np.zeros((1, 64, 128), np.float32).tofile(tmp_path / "x.raw")
    (tmp_path / "input_list.txt").write_text("x.raw\n")
    profile = _profiled(Tools(tmp_path), "sa8255", tmp_path)
    drawn = {event["args"]["QNN Op Name"]: event["args"]["QNN Op Type"] for event in profile.work()}
    assert drawn[node] == kind
    assert all(drawn.values())
