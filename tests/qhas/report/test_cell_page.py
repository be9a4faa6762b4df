"""The page of a cell: where its time went, why it is another than yesterday's, and what is missing and why."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.profiles import chrometrace, core, htp_op, op_event, qhas, qnn_op
from fakes.records import MOMENT, latency, measured, metrics, model, record, run_record, runtrace
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.failures import FACTS, FailureKind, Step
from qhas.machine.process import ToolRun
from qhas.profile.picture import Timeline, read_timeline
from qhas.profile.qhas_file import parse_qhas, read_qhas
from qhas.report.cell_page import cell_page_text, tiles_of
from qhas.report.findings import Findings, History, HistoryPoint
from qhas.report.gather import Baseline, CellContents, CellFiles, read_baseline, read_contents, understood
from qhas.report.ops import op_tables
from qhas.runs import keys
from qhas.runs.record import Attempt, CellRecord, Origin
from qhas.store import Artifact, Store
from qhas.sweep.spec import Cell
from qhas.verdict.model import Verdict
from tests.qhas.diff.summaries import Made, made
from tests.qhas.report.compared import compared, contribution
from tests.qhas.report.page import HOSTILE, Page

KEY = record().cell.key


def page_of(cell: CellRecord, findings: Findings | None = None, **files: Any) -> Page:
    return Page(cell_page_text(run_record(), cell, (None, None), findings or Findings(), CellFiles(**files)))


def tables(**sections: list[dict[str, Any]]) -> Any:
    return op_tables(parse_qhas(json.dumps(qhas(**sections)).encode(), "qhas.json"))


def drawn(tmp_path: Path, *events: str) -> Timeline:
    trace = tmp_path / "chrometrace.json"
    trace.write_text(chrometrace(events))
    return read_timeline(trace)


def instance(name: str, kind: str = "Conv2d", dominant: int = 1) -> dict[str, Any]:
    return {**qnn_op(name, 10, dominant), "qnn_op": name, "qnn_op_type": kind}


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
    assert hostile.data["timeline"]["timeline"]["ops"][-1]["htp"] == name
    assert hostile.data["waterfall"]["data"][0]["y"][1] == name


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


def nights(count: int) -> list[HistoryPoint]:
    return [
        HistoryPoint(
            MOMENT + timedelta(days=night),
            f"nightly-{night}",
            100.0 + night,
            "SDK 2.44" if night < 3 else "SDK 2.45",
            Verdict.NEW if night == 4 else Verdict.STEADY,
        )
        for night in range(count)
    ]


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
    assert "Host seconds" not in page.text


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


def stored(store: Store, cell: CellRecord, **contents: bytes) -> CellRecord:
    """The record with files of these artifact names in the store."""
    artifacts = [Artifact(name=name, path=f"{name}.gz", sha256="0" * 64, size=9) for name in contents]
    for name, content in contents.items():
        store.write(f"{keys.cell(cell.run_id, cell.cell)}/{name}.gz", gzip.compress(content))
    kept = cell.model_copy(update={"artifacts": artifacts})
    store.write(keys.manifest(keys.cell(cell.run_id, cell.cell)), kept.model_dump_json().encode())
    return kept


def read_files(store: Store, cell: CellRecord, baseline: Baseline | None) -> CellFiles:
    return understood(read_contents(store, cell, baseline))


def put_run(store: Store, run_id: str, days: int, **changes: Any) -> None:
    run = run_record(run_id=run_id, started_at=MOMENT + timedelta(days=days), **changes)
    store.write(f"runs/{run_id}/sweep.json", run.model_dump_json().encode())


def test_a_cell_is_compared_with_the_last_finished_run_of_its_sweep(store: Store) -> None:
    for run_id, days in (("nightly-0", -2), ("nightly-last", -1), ("nightly-1", 0)):
        put_run(store, run_id, days)
    document = json.dumps(qhas()).encode()
    stored(store, record(run_id="nightly-last"), qhas=document)
    cell = stored(store, record(), qhas=document)
    baseline = read_baseline(store, run_record(), [cell])
    files = read_files(store, cell, baseline)
    assert files.diff is not None
    assert (files.diff.before.label, files.diff.time.change) == ("nightly-last", 0)


def test_without_an_earlier_run_there_is_no_comparison(store: Store) -> None:
    put_run(store, "nightly-1", 0)
    cell = stored(store, record(), qhas=json.dumps(qhas()).encode())
    assert read_baseline(store, run_record(), [cell]) is None
    assert read_files(store, cell, None).ops is not None


def test_a_record_without_a_picture_gets_one_from_its_trace(store: Store) -> None:
    cell = stored(store, record(), chrometrace=chrometrace().encode())
    picture = read_files(store, cell, None).timeline
    assert picture is not None
    assert picture.end_cycle == 150


def test_a_stored_picture_is_shown_without_the_trace(store: Store, tmp_path: Path) -> None:
    picture = drawn(tmp_path, op_event())
    cell = stored(store, record(), timeline=picture.model_dump_json().encode())
    assert read_files(store, cell, None).timeline == picture


@pytest.mark.parametrize("content", [b"", b"{}", b"no JSON"])
def test_files_that_cannot_be_read_cost_their_part_of_the_page_only(store: Store, content: bytes) -> None:
    cell = stored(store, record(), timeline=content, qhas=content, chrometrace=content)
    assert read_files(store, cell, None) == CellFiles()


def test_files_that_are_gone_cost_their_part_of_the_page_only(store: Store) -> None:
    assert read_files(store, record(), None) == CellFiles()


def test_times_are_utc(tmp_path: Path) -> None:
    assert record().started_at == datetime(2026, 3, 1, 22, tzinfo=UTC)
    assert "2026-03-01 22:00 UTC" in page_of(record()).text


def changes_of_tiles(before: CellRecord, after: CellRecord, **grown: int) -> dict[str, tuple[str, bool]]:
    """Change and whether it is red, by the title of the tile, of a real comparison."""
    files = [made([Made("conv")]), made([Made("conv")], **grown)]
    diff = compare(Evidence(files[0], before), Evidence(files[1], after))
    return {tile.title: (tile.change, tile.worse) for tile in tiles_of(after, diff)}


def test_the_change_of_the_median_latency_is_shown() -> None:
    before, after = measured(latency=latency(99, 102, 110)), measured(latency=latency(150, 153, 160))
    assert changes_of_tiles(before, after)["median latency"] == ("+50.0 %", True)


def test_more_vtcm_and_more_nodes_are_no_worse_and_more_dram_is() -> None:
    grown = {"peak_vtcm_alloc": 8 << 20, "qnn_nodes": 2, "htp_nodes": 80, "total_dram_read": 100_000}
    shown = changes_of_tiles(measured(), measured(), **grown)
    assert {title: red for title, (change, red) in shown.items() if change} == {
        "peak VTCM": False,
        "QNN nodes": False,
        "HTP nodes": False,
        "DRAM read": True,
    }


def test_what_a_qhas_leaves_out_is_said_above_its_tables() -> None:
    short = [core(qnn_nodes=86)]
    assert (
        "The QHAS summary lists only 1 of 86 ops: of the others"
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
    files = understood(CellContents(record(), qhas=summary, drawn=picture))
    text = page_of(record(), timeline=files.timeline, strange=files.strange).text
    assert ("they are of different graphs" in text) is said


def test_a_small_file_is_not_of_no_size() -> None:
    ops = tables(qnn_op_instances_nodes=[instance("conv") | {"dram_read": 4096, "dram_write": 0}])
    text = page_of(record(), ops=ops).text
    assert "4.1 kB" in text
    assert "0.00 MB" not in text


VENDOR = Path(__file__).parents[3].parent / "shared/data/vendor"


def on_device(**changes: Any) -> CellRecord:
    return record(origin=Origin.DEVICE, **changes)


def test_every_profiled_inference_stands_with_its_phases_and_its_clock() -> None:
    page = page_of(on_device(runtrace=runtrace(86.3021, 15.625, 806.365)))
    cold, warm = page.table("Graph Execute, µs")
    assert (cold["inference"], cold["Graph Execute, µs"], cold["clock, MHz"]) == ("1, cold", "86.3", "806")
    assert (warm["inference"], warm["Graph Execute, µs"]) == ("2", "15.6")
    assert "2 profiled inferences of net on core 0" in page.text
    assert "none of them is a latency" in page.text


def test_the_one_inference_of_a_simulator_has_no_table_and_no_tiles_of_its_own() -> None:
    simulated = record(runtrace=runtrace())
    assert "Inferences" not in page_of(simulated).text
    assert not [tile for tile in tiles_of(simulated, None) if tile.title.startswith("graph")]


def test_the_warm_time_and_the_graphs_own_stand_beside_the_cold_one() -> None:
    tiles = {tile.title: tile.text for tile in tiles_of(on_device(runtrace=runtrace(86, 15.625, 806)), None)}
    assert (tiles["graph (first, cold)"], tiles["graph (warm, profiled)"]) == ("86 µs", "15.6 µs")
    assert tiles["clock"] == "806 MHz"


def test_what_format_changes_and_reference_ops_cost_is_said() -> None:
    figures = metrics(
        format_changes=16, format_change_percent=66.3646, reference_ops=2, reference_percent=1.0
    )
    page = page_of(on_device(metrics=figures), ops=tables())
    assert "16 format changes take 66.4 % of the dominant path and 2 reference ops take 1.0 %" in page.text


def test_waits_stand_beside_work_and_a_thread_that_mostly_waits_is_named() -> None:
    rows = [htp_instance(90, dma_wait=True), htp_instance(10, dma=True), htp_instance(50, tid=512, hvx=True)]
    hmx, hvx = page_of(
        record(), ops=tables(htp_op_instances=rows, htp_overall_summary=[threads(100, 50)])
    ).table("waits")
    assert (hmx["work"], hmx["DMA transfers"], hmx["waits"]) == ("0", "10", "90")
    assert (hvx["work"], hvx["waits"]) == ("50", "0")
    page = page_of(record(), ops=tables(htp_op_instances=rows, htp_overall_summary=[threads(100, 50)]))
    assert "HMX 256 waits for 90 % of its cycles." in page.text


def test_threads_whose_ops_are_not_all_listed_tell_no_work() -> None:
    found = tables(htp_op_instances=[htp_instance(90, dma_wait=True)], htp_overall_summary=[threads(500, 50)])
    assert [used.use for used in found.resources] == [None, None]


def test_work_that_takes_many_cycles_a_packet_is_marked_as_stalling() -> None:
    rows = [htp_instance(1600, cycles_per_packet=1.6), htp_instance(237_000, cycles_per_packet=23.7)]
    found = tables(htp_op_instances=rows, htp_op_types=[htp_op("q::Conv", 2)])
    (row,) = page_of(record(), ops=found).table("HTP op type")
    assert (row["best"], row["worst"], row["marks"]) == ("1.60", "23.70", "stalls")
    assert "cycles a packet" not in page_of(record(), ops=tables(htp_op_types=[htp_op("q::Conv", 2)])).text


def test_ops_have_their_shape_data_type_start_and_microseconds() -> None:
    rows = [
        htp_instance(9, start_cycle=5000, qnn_op="first"),
        htp_instance(9, start_cycle=5700, dims=[1, 8, 8, 32]),
    ]
    nodes = [instance("conv", dominant=14_000), instance("first", dominant=7000)]
    summary = parse_qhas(
        json.dumps(qhas(htp_op_instances=rows, qnn_op_instances_nodes=nodes)).encode(), "qhas.json"
    )
    shown = page_of(record(), ops=op_tables(summary, runtrace(clock_mhz=700)))
    conv, first = shown.table("op")
    assert (conv["largest result"], conv["data type"], conv["start, cycle"], conv["µs"]) == (
        "1 x 8 x 8 x 32",
        "QUInt8",
        "700",
        "20.0",
    )
    assert (first["start, cycle"], first["µs"]) == ("0", "10.0")
    assert "at 700 MHz" in shown.text
    unclocked = page_of(record(), ops=op_tables(summary))
    assert unclocked.table("op")[0]["µs"] == "10.0"  # of 400 us for 560,000 cycles
    assert "as shares of the graph's 400 µs" in unclocked.text


def htp_instance(cycles: int, **changes: Any) -> dict[str, Any]:
    row = {"op_id": "0x100000007", "htp_op": "q::Conv", "qnn_op": "conv", "tid": 256, "cycles": cycles}
    return row | {"dtype": "QUInt8", "dims": [1, 1, 1, 8], "htp": 0} | changes


def threads(hmx: int, hvx: int) -> dict[str, Any]:
    summary = core()
    for row, cycles in zip(summary["htp_resources"]["data"], (hmx, hvx), strict=True):
        row["cycles_used"] = cycles
    return summary


@pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not beside the repository")
def test_the_vendors_own_waits_and_packets_are_on_the_page() -> None:
    found = op_tables(read_qhas(VENDOR / "device-hvx-int16-qhas.json"))
    hmx = found.resources[0]
    assert hmx.use == (0, 27_300, 133_684, 334)
    solve = found.htp_types.rows[0].packets
    assert solve
    assert round(solve.mean, 2) == 3.17
