"""The page of a cell: where its time went, why it differs from yesterday's, and what is missing and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.profiles import core, htp_op, op_event, qhas
from fakes.records import MOMENT, latency, measured, model, record, run_record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.explain.experiments import Resource
from qhas.explain.model import Explanation, OpBound
from qhas.failures import FACTS, FailureKind, Step
from qhas.machine.process import ToolRun
from qhas.outside_text import shown
from qhas.report.cell_page import cell_page_text, tiles_of
from qhas.report.findings import Findings, History, HistoryPoint
from qhas.report.gather import CellContents, CellFiles, Compared, understood
from qhas.runs.record import Attempt, CellRecord
from qhas.store import Artifact
from qhas.sweep.spec import Cell
from tests.qhas.diff.summaries import Made, made
from tests.qhas.report.cell_pages import KEY, drawn, instance, nights, page_of, tables
from tests.qhas.report.compared import compared, contribution
from tests.qhas.report.page import HOSTILE, Page


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_names_of_networks_ops_and_reasons_are_data(name: str, tmp_path: Path) -> None:
    def page(text: str) -> Page:
        cell = Cell.model_construct(**dict(record().cell) | {"variant": text})
        return page_of(
            record().model_copy(update={"cell": cell}),
            Findings(
                histories={
                    f"net/sm8750/{text}": [
                        History(text, [HistoryPoint(MOMENT, text, n, text) for n in (1.0, 2.0)])
                    ]
                }
            ),
            ops=tables(qnn_op_instances_nodes=[instance(text)], htp_op_types=[htp_op(text, 3)]),
            timeline=drawn(tmp_path, op_event(text)),
            diff=compared(10, 20, [contribution(text, 10, ops=[text])]).model_copy(
                update={"sentence": text, "remarks": [text]}
            ),
        )

    hostile, harmless = page(name), page("Conv2d")
    assert hostile.tags == harmless.tags
    assert not hostile.code
    assert hostile.data["timeline"]["timeline"]["ops"][-1]["htp"] == shown(name)
    assert hostile.data["waterfall"]["data"][0]["y"][1] == shown(name)


def test_a_failed_cell_tells_the_reason_where_the_trace_would_be() -> None:
    page = page_of(record(failure=FailureKind.LOG_EMPTY, artifacts=[]))
    where = page.text[page.text.index("Timeline") :]
    assert "No trace: what happened: log_empty." in where
    assert FACTS[FailureKind.LOG_EMPTY].hint in where


def test_a_trace_that_was_pruned_is_said_to_be(tmp_path: Path) -> None:
    trace = Artifact(
        name="chrometrace", path="chrometrace.json.gz", sha256="0" * 64, size=9, pruned_at=MOMENT
    )
    page = page_of(record(artifacts=[trace]), timeline=drawn(tmp_path, op_event()))
    assert "The trace was pruned on 2026-03-01; its picture stays." in page.text
    assert "timeline" in page.data
    assert not [target for target in page.targets() if "chrometrace" in target]


def test_the_colour_of_an_op_is_that_of_its_family(tmp_path: Path) -> None:
    event = json.loads(op_event())
    event["args"] |= {"QNN Op Type": "DepthWiseConv2d", "Flags": ["uses_hmx"]}
    waits = json.loads(op_event("wait", ts=200))
    waits["args"] |= {"Flags": ["dma_wait"]}
    page = page_of(record(), timeline=drawn(tmp_path, json.dumps(event), json.dumps(waits)))
    assert page.data["timeline"]["families"] == ["waiting", "other", "depthwise"]


def test_ops_are_ranked_by_the_dominant_path() -> None:
    rows = [instance("small", dominant=10), instance("large", dominant=200_000), instance("none", dominant=0)]
    shown = page_of(record(), ops=tables(qnn_op_instances_nodes=rows)).table("op")
    assert [row["op"] for row in shown] == ["large", "small", "none"]
    assert shown[0]["dominant path"] == "40.8 %"


def test_op_types_add_up_their_ops() -> None:
    rows = [instance("a", dominant=100_000), instance("b", dominant=50_000), instance("c", "Softmax", 1)]
    types = tables(qnn_op_instances_nodes=rows).types
    assert [(row.name, row.dominant, row.htp_ops) for row in types.rows] == [
        ("Conv2d", 150_000, 16),
        ("Softmax", 1, 8),
    ]


def test_of_many_ops_the_first_are_shown_and_all_are_counted() -> None:
    found = tables(qnn_op_instances_nodes=[instance(f"op{n}", dominant=n) for n in range(1000)])
    assert (len(found.instances.rows), found.instances.total) == (15, 1000)
    assert "15 of 1000" in page_of(record(), ops=found).text


def test_reference_ops_and_format_changes_are_marked() -> None:
    rows = [htp_op("q::Softmax.ref", 8, reference=True), htp_op("q::ForceFormat", 2, format_change=True)]
    marks = {
        row["HTP op type"]: row["marks"]
        for row in page_of(record(), ops=tables(htp_op_types=rows)).table("marks")
    }
    assert marks == {"q::Softmax.ref": "reference", "q::ForceFormat": "format change"}


def test_the_waterfall_goes_from_before_through_every_part_to_after() -> None:
    parts = [contribution("first", 8), contribution("second", -3)]
    waterfall = page_of(record(), diff=compared(100, 105, parts)).data["waterfall"]["data"][0]
    assert list(zip(waterfall["y"], waterfall["x"], waterfall["measure"], strict=True)) == [
        ("before", 100, "absolute"),
        ("first", 8, "relative"),
        ("second", -3, "relative"),
        ("after", 105, "total"),
    ]


def test_the_smallest_parts_of_a_waterfall_are_one_and_nothing_is_lost() -> None:
    parts = [contribution(f"part {n}", 10) for n in range(30)]
    waterfall = page_of(record(), diff=compared(100, 400, parts)).data["waterfall"]["data"][0]
    assert waterfall["y"][-2:] == ["21 smaller parts", "after"]
    assert sum(waterfall["x"][:-1]) == waterfall["x"][-1]


def test_two_parts_of_one_name_are_two_steps() -> None:
    parts = [contribution("Conv2d", 1), contribution("Conv2d", 2)]
    waterfall = page_of(record(), diff=compared(10, 13, parts)).data["waterfall"]["data"][0]
    assert waterfall["y"] == ["before", "Conv2d", "Conv2d (2)", "after"]


def test_a_comparison_shows_its_sentence_its_circumstances_and_its_remarks() -> None:
    text = page_of(record(), diff=compared(100, 140)).text
    for said in ("six Conv2d gained a format change", "VTCM 8 → 2 MB", "The names of 2 ops moved."):
        assert said in text


def test_the_change_of_a_figure_stands_beside_it() -> None:
    page = page_of(record(), diff=compared(1000, 1100))
    assert "1,371 µs+10.0 %" in page.text
    assert "26.0 MB+38.0 %" in page.text


def test_a_history_has_a_line_a_segment_and_a_mark_a_verdict() -> None:
    page = page_of(measured(), Findings(histories={KEY: [History("median latency, µs", nights(6))]}))
    plot = page.data["history-1"]
    assert [(line["name"], len(line["y"])) for line in plot["data"]] == [
        ("SDK 2.44", 3),
        ("SDK 2.45", 3),
        ("new", 1),
    ]
    assert [shape["x0"][:10] for shape in plot["layout"]["shapes"]] == ["2026-03-04"]
    assert "median latency, µs by night (device)" in page.text


def test_one_night_is_no_history() -> None:
    page = page_of(measured(), Findings(histories={KEY: [History("median latency, µs", nights(1))]}))
    assert "history-1" not in page.data


def test_a_measured_cell_shows_every_sample_and_the_devices_condition() -> None:
    page = page_of(measured(latency=latency(100, 104, 110)))
    assert page.data["samples"]["data"][0]["y"] == [100, 104, 110]
    rows = {row["reading"]: (row["before"], row["after"]) for row in page.table("reading")}
    assert rows["skin, °C"] == ("33.5", "36")
    assert rows["npu/nsp0, °C"] == ("60", "60")


def tool(name: str, seconds: float, exit_code: int = 0) -> ToolRun:
    return ToolRun(
        argv=[f"/sdk/bin/{name}", "--input_dlc", "a b.dlc"],
        started_at=MOMENT,
        seconds=seconds,
        exit_code=exit_code,
    )


def stepped() -> CellRecord:
    attempts = [
        Attempt(step=Step.PREPARE, number=1, started_at=MOMENT, seconds=20, tools=[tool("prepare", 19)]),
        Attempt(
            step=Step.NET_RUN,
            number=1,
            started_at=MOMENT + timedelta(seconds=60),
            seconds=10,
            device="oneplus13",
            tools=[tool("snpe-net-run", 9, -9)],
            failure=FailureKind.TOOL_KILLED,
        ),
        Attempt(step=Step.NET_RUN, number=2, started_at=MOMENT + timedelta(seconds=70), seconds=30),
    ]
    return record(attempts=attempts, started_at=MOMENT, finished_at=MOMENT + timedelta(seconds=100))


def test_steps_say_where_the_time_went() -> None:
    text = page_of(stepped()).text
    assert (
        "100.0 s: prepare 20.0 s, net_run 40.0 s; waiting for a device or a core between steps 40.0 s."
        in text
    )


def test_every_attempt_has_its_bar_its_end_and_its_tools() -> None:
    page = page_of(stepped())
    rows = page.table("try")
    assert [(row["step"], row["try"], row["ended"]) for row in rows] == [
        ("prepare", "1", "good"),
        ("net_run", "1", "tool killed"),
        ("net_run", "2", "good"),
    ]
    assert "snpe-net-run 9.0 s, SIGKILL" in rows[1]["tools"]
    assert "--input_dlc 'a b.dlc'" in rows[1]["tools"]
    bars = [
        (a["x"], a["width"])
        for tag, a in page.elements
        if tag == "rect" and "x" in a and a["class"] in ("f-step", "f-failed")
    ]
    assert bars == [("0.0", "20.0"), ("60.0", "10.0"), ("70.0", "30.0")]


def test_a_record_from_before_there_were_times_has_steps_without_bars() -> None:
    page = page_of(record(attempts=[Attempt(step=Step.PREPARE, number=1)]))
    assert [row["step"] for row in page.table("try")] == ["prepare"]
    assert "Seconds on the host" not in page.text


def test_every_file_is_listed_with_its_size_and_digest() -> None:
    page = page_of(record())
    rows = page.table("sha256")
    assert [(row["what"], row["file"]) for row in rows] == [
        ("trace", "chrometrace.json.gz"),
        ("record", "manifest.json"),
    ]
    assert "../../../../../../runs/nightly-1/net/sm8750/default/chrometrace.json.gz" in page.targets()


def test_neighbours_are_a_key_away() -> None:
    before, after = (Cell(model=model(name), soc="sm8750") for name in ("a", "b"))
    page = Page(cell_page_text(run_record(), record(), (before, after), Findings(), CellFiles()))
    keys = {attrs["data-key"]: attrs["href"] for _, attrs in page.elements if "data-key" in attrs}
    assert keys == {
        "k": "../../../../cells/a/sm8750/default/index.html",
        "j": "../../../../cells/b/sm8750/default/index.html",
        "u": "../../../../index.html",
    }


# What is read from the store.


def test_times_are_utc(tmp_path: Path) -> None:
    assert record().started_at == datetime(2026, 3, 1, 22, tzinfo=UTC)
    assert "2026-03-01 22:00 UTC" in page_of(record()).text


def changes_of_tiles(before: CellRecord, after: CellRecord, **grown: int) -> dict[str, tuple[str, str]]:
    """Each tile's change and its colour, keyed by the tile's title, from a real comparison."""
    files = [made([Made("conv")]), made([Made("conv")], **grown)]
    diff = compare(Evidence(files[0], before), Evidence(files[1], after))
    return {tile.title: (tile.change, tile.style) for tile in tiles_of(after, diff)}


def test_the_change_of_the_median_latency_is_shown() -> None:
    before, after = measured(latency=latency(99, 102, 110)), measured(latency=latency(150, 153, 160))
    assert changes_of_tiles(before, after)["median latency"] == ("+50.0 %", "bad")


def test_more_vtcm_and_more_nodes_have_no_colour_and_more_dram_is_red() -> None:
    grown = {"peak_vtcm_alloc": 8 << 20, "qnn_nodes": 2, "htp_nodes": 80, "total_dram_read": 100_000}
    shown = changes_of_tiles(measured(), measured(), **grown)
    assert {title: style for title, (change, style) in shown.items() if change} == {
        "peak VTCM": "",
        "QNN nodes": "",
        "HTP nodes": "",
        "DRAM read": "bad",
    }


def test_a_shorter_latency_is_green() -> None:
    before, after = measured(latency=latency(150, 153, 160)), measured(latency=latency(99, 102, 110))
    assert changes_of_tiles(before, after)["median latency"] == ("−33.3 %", "good")


def test_what_a_qhas_leaves_out_is_said_above_its_tables() -> None:
    short = [core(qnn_nodes=86)]
    assert (
        "The QHAS summary lists only 1 of 86 ops; the others"
        in page_of(record(), ops=tables(htp_overall_summary=short)).text
    )


def test_ops_that_the_compiler_added_are_counted_apart() -> None:
    ops = tables(
        qnn_op_instances_nodes=[
            instance("conv"),
            instance("Input", "Input"),
            instance("SystemService_ChunkPreload_12b6", "SystemService_ChunkPreload"),
        ]
    )
    assert (ops.instances.total, ops.instances.added) == (3, 2)
    assert "3, 2 of them added by the compiler" in page_of(record(), ops=ops).text


@pytest.mark.parametrize(("cycles", "said"), [(560_000, False), (6_038_358, True)])
def test_a_trace_and_a_qhas_of_different_graphs_are_told_apart(
    tmp_path: Path, cycles: int, said: bool
) -> None:
    picture = drawn(tmp_path, op_event(ts=0, dur=560_000))
    summary = json.dumps(qhas(htp_overall_summary=[core(timeline_cycles=cycles)])).encode()
    files = understood(CellContents(Compared(record(), qhas=summary), drawn=picture))
    text = page_of(record(), timeline=files.timeline, strange=files.strange).text
    assert ("they belong to different graphs" in text) is said


def test_a_small_file_is_not_of_no_size() -> None:
    ops = tables(qnn_op_instances_nodes=[instance("conv") | {"dram_read": 4096, "dram_write": 0}])
    text = page_of(record(), ops=ops).text
    assert "4.1 kB" in text
    assert "0.00 MB" not in text


def test_what_bounds_the_network_is_called_simulated_and_its_names_are_data() -> None:
    row = OpBound(
        node="<b>\u202e", type="Conv2d", htp_op="q::Conv", dtype="QUInt8", dims=(1,), unit="HMX",
        share_percent=61.0, bound=Resource.HMX, ceiling_percent=87.0,
    )  # fmt: skip
    answer = Explanation(
        network="net", soc="sm8750", sdk="2.51", options="the default", time_us=100.0, findings=[], ops=[row],
        bounded_percent=99, format_change_percent=0, idle_percent=6, fill=0, spill=0, truth="no expectation",
    )  # fmt: skip
    page = page_of(measured(), explanation=answer)
    assert "What bounds it simulated" in page.text
    assert "net on sm8750, simulated at 100 µs" in page.text
    (told,) = page.table("waits for")
    assert (told["waits for"], told["of its ceiling"]) == ("HMX", "87 %")
    assert told["node"] == f"Conv2d {shown(row.node)}"
    assert not page.code
