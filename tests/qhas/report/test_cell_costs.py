"""What a page shows of a real profile: inferences, waits, stalls, format changes, and ops with shape and time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.profiles import core, htp_op, op_event, qhas
from fakes.records import metrics, record, runtrace
from qhas.diff.circumstances import Evidence
from qhas.profile.qhas_file import parse_qhas, read_qhas
from qhas.report.cell_page import tiles_of
from qhas.report.ops import op_tables
from qhas.runs.record import CellRecord, Origin
from tests.qhas.report.cell_pages import drawn, htp_instance, instance, page_of, tables

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
    shown = page_of(record(), ops=op_tables(Evidence(summary, beside=runtrace(clock_mhz=700))))
    conv, first = shown.table("op")
    assert (conv["largest result"], conv["data type"], conv["start, cycle"], conv["µs"]) == (
        "1 x 8 x 8 x 32",
        "QUInt8",
        "700",
        "20.0",
    )
    assert (first["start, cycle"], first["µs"]) == ("0", "10.0")
    assert "at 700 MHz" in shown.text
    unclocked = page_of(record(), ops=op_tables(Evidence(summary)))
    assert unclocked.table("op")[0]["µs"] == "10.0"  # at 400 us for 560,000 cycles
    assert "as shares of the graph's 400 µs" in unclocked.text


def threads(hmx: int, hvx: int) -> dict[str, Any]:
    summary = core()
    for row, cycles in zip(summary["htp_resources"]["data"], (hmx, hvx), strict=True):
        row["cycles_used"] = cycles
    return summary


@pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not beside the repository")
def test_the_vendors_own_waits_and_packets_are_on_the_page() -> None:
    found = op_tables(Evidence(read_qhas(VENDOR / "device-hvx-int16-qhas.json")))
    hmx = found.resources[0]
    assert hmx.use == (0, 27_300, 133_684, 334)
    solve = found.htp_types.rows[0].packets
    assert solve
    assert round(solve.mean, 2) == 3.17


def test_an_op_leads_to_where_it_ran_in_the_picture(tmp_path: Path) -> None:
    rows = [
        htp_instance(9, start_cycle=5000, qnn_op="first"),
        htp_instance(300, start_cycle=5700),
        htp_instance(100, start_cycle=5800),
    ]
    nodes = [instance("conv", dominant=14_000), instance("first", dominant=7000)]
    ops = tables(htp_op_instances=rows, qnn_op_instances_nodes=nodes)
    page = page_of(record(), ops=ops, timeline=drawn(tmp_path, op_event(ts=0, dur=1000)))
    conv, first, *_ = (named for tag, named in page.elements if tag == "a" and "data-from" in named)
    assert (conv["data-from"], conv["data-to"], conv["data-type"]) == ("700", "1000", "Conv2d")
    assert (first["data-from"], first["href"]) == ("0", "#timeline")
    assert not [named for _, named in page_of(record(), ops=ops).elements if "data-from" in named]


def test_an_op_of_a_simulated_graph_may_begin_in_cycle_0() -> None:
    rows = [htp_instance(9, start_cycle=0, qnn_op="first"), htp_instance(9, start_cycle=70)]
    nodes = [instance("conv", dominant=14_000), instance("first", dominant=7000)]
    document = qhas(htp_op_instances=rows, qnn_op_instances_nodes=nodes)
    document["header"]["provenance"] = {"origin": "simulator"}
    summary = parse_qhas(json.dumps(document).encode(), "qhas.json")
    assert [op.start for op in op_tables(Evidence(summary)).instances.rows] == [70, 0]
