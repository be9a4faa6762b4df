"""Every figure of a cell's page and record agrees with the vendor's files, recomputed here from their bytes alone."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fakes.records import record, run_record
from qhas.diff.circumstances import Evidence
from qhas.profile.dominant import dominant_path
from qhas.profile.metrics import metrics_of
from qhas.profile.picture import read_timeline
from qhas.profile.qhas_file import read_qhas
from qhas.profile.runtrace import read_runtrace
from qhas.report.cell_page import cell_page_text
from qhas.report.findings import Findings
from qhas.report.gather import CellFiles
from qhas.report.ops import SHOWN, op_tables
from qhas.runs.record import CellRecord, Origin
from tests.qhas.report.page import Page

OWN = Path(__file__).parent / "vendor_shape"
VENDOR = Path(__file__).parents[2].parent / "shared/data/vendor"
beside = pytest.mark.skipif(not VENDOR.is_dir(), reason="the vendor's files are not beside the repository")

Row = dict[str, Any]
UNITS = {
    "B": 1,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "µs": 1,
    "ms": 1e3,
    "%": 1,
    "MHz": 1,
    "": 1,
}


def shows(text: str, value: float) -> bool:
    """Whether a text shows that value, rounded to the digits that the text has."""
    match = re.fullmatch(r"([\d,]+)(\.\d+)? ?(\D*)", text)
    if not match or match[3] not in UNITS:
        return False
    scale, digits = UNITS[match[3]], len(match[2] or ".") - 1
    return (
        abs(float(match[1].replace(",", "") + (match[2] or "")) * scale - value) <= 0.501 * scale / 10**digits
    )


class Vendor(NamedTuple):
    """A QHAS as JSON, with the runtrace, record and page that belong to it."""

    sections: dict[str, list[Row]]
    inferences: list[dict[str, Row]]
    """The arguments of each phase, by inference and by phase name."""
    record: CellRecord
    html: str

    @property
    def overall(self) -> Row:
        return self.sections["htp_overall_summary"][0]

    @property
    def page(self) -> Page:
        return Page(self.html)

    @property
    def tiles(self) -> dict[str, str]:
        found = re.findall(r"<div><span>(.*?)</span><b>(.*?)</b>", self.html)
        return {unescape(title): unescape(text) for title, text in found}

    def marked(self, mark: str) -> list[Row]:
        return [row for row in self.sections["htp_op_types"] if row[mark]]


def load(path: Path) -> Row:
    content: Row = json.loads(path.read_bytes())
    return content


def vendor(qhas: Path, runtrace: Path | None = None, trace: Path | None = None) -> Vendor:
    file, told = read_qhas(qhas), read_runtrace(runtrace) if runtrace else None
    cell = record(origin=Origin.DEVICE, metrics=metrics_of(file), runtrace=told)
    files = CellFiles(
        ops=op_tables(Evidence(file, beside=told)),
        timeline=read_timeline(trace, dominant_path(file)) if trace else None,
    )
    inferences: list[dict[str, Row]] = []
    for event in load(runtrace)["traceEvents"] if runtrace else []:
        if event["ph"] == "X":
            if event["name"] == "QNN DSP Execute":
                inferences.append({})
            inferences[-1][event["name"]] = event["args"]
    sections = {name: section["data"] for name, section in load(qhas)["data"].items()}
    html = cell_page_text(run_record(), cell, (None, None), Findings(), files)
    return Vendor(sections, inferences, cell, html)


CASES = {
    "invented": (OWN / "qhas.json", OWN / "runtrace.json", OWN / "chrometrace.json"),
    "hvx-int16": (
        VENDOR / "device-hvx-int16-qhas.json",
        None,
        VENDOR / "device-hvx-int16-chrometrace.json",
    ),
    "native": (VENDOR / "device-native-qhas.json",),
    "ovl": (VENDOR / "device-ovl-qhas.json", VENDOR / "device-ovl-runtrace.json"),
    "resnet50": (VENDOR / "device-resnet50-qhas.json",),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[] if name == "invented" else beside) for name in CASES],
)
def files(request: pytest.FixtureRequest) -> Vendor:
    return vendor(*CASES[request.param])


def test_the_heads_figures_are_the_files(files: Vendor) -> None:
    overall = files.overall
    told = {
        "QHAS time (first, cold, profiled)": overall["time_us"],
        "graph (first, cold)": overall["graph_execute_us"],
        "timeline, cycles": overall["timeline_cycles"],
        "DRAM read": overall["total_dram_read"],
        "DRAM written": overall["total_dram_write"],
        "peak VTCM": overall["peak_vtcm_alloc"],
        "QNN nodes": overall["qnn_nodes"],
        "HTP nodes": overall["htp_nodes"],
    }
    assert {
        title: files.tiles[title] for title, value in told.items() if not shows(files.tiles[title], value)
    } == {}


def test_format_changes_and_reference_ops_are_counted_with_their_share_of_the_path(files: Vendor) -> None:
    figures = files.record.metrics
    assert figures
    whole = len(files.sections["htp_op_types"]) == files.overall["unique_htp_ops"]
    for mark, ops, share in (
        ("format_change", figures.format_changes, figures.format_change_percent),
        ("reference_op", figures.reference_ops, figures.reference_percent),
    ):
        rows = files.marked(mark)
        percent = sum(row["percent_dominant_path_cycles_htp_0"] for row in rows)
        assert (ops, share) == (
            (sum(row["instances"] for row in rows), pytest.approx(percent)) if whole else (None, None)
        )
    title = "format changes, of the path"
    assert (
        shows(files.tiles[title], figures.format_change_percent or 0) if whole else title not in files.tiles
    )


def test_work_waits_and_cycles_a_packet_are_those_of_the_instances(files: Vendor) -> None:
    figures, rows = files.record.metrics, files.sections["htp_op_instances"]
    assert figures
    if not rows:
        assert (figures.hmx_cycles, figures.dma_wait_cycles, figures.cycles_per_packet) == (None, None, None)
        return
    assert figures.hmx_cycles == sum(row["cycles"] for row in rows if row["hmx"])
    assert figures.dma_wait_cycles == sum(row["cycles"] for row in rows if row["dma_wait"])
    bookkeeping = ("dma", "dma_wait", "dma_set", "sync")
    work = [row for row in rows if not any(row[flag] for flag in bookkeeping)]
    packets = sum(row["cycles"] / row["cycles_per_packet"] for row in work)
    assert figures.cycles_per_packet == pytest.approx(sum(row["cycles"] for row in work) / packets)
    assert shows(files.tiles["waits for DMA, cycles"], figures.dma_wait_cycles)
    assert shows(files.tiles["cycles a packet"], figures.cycles_per_packet)


def test_every_inference_of_the_runtrace_is_in_the_record_and_on_the_page(files: Vendor) -> None:
    if not files.inferences:
        assert files.record.runtrace is None
        return
    told = files.record.runtrace
    assert told
    assert [[(p.name, p.us) for p in one.phases] for one in told.inferences] == [
        [(name, args["summary_time_us"]) for name, args in one.items()] for one in files.inferences
    ]
    clocks = [1000 * one["Graph Execute"]["summary_htp_frequency_ghz"] for one in files.inferences]
    warm = [one["Graph Execute"]["summary_time_us"] for one in files.inferences[1:]]
    assert told.clock_mhz == pytest.approx(clocks[0])
    assert told.warm_us == pytest.approx(statistics.median(warm))
    assert told.warm_clock_mhz == pytest.approx(statistics.median(clocks[1:]))
    assert shows(files.tiles["graph (warm, profiled)"], told.warm_us)
    assert shows(files.tiles["clock"], clocks[0])
    for row, one, clock in zip(files.page.table("Graph Execute, µs"), files.inferences, clocks, strict=True):
        assert shows(row["clock, MHz"], clock)
        assert all(shows(row[f"{name}, µs"], args["summary_time_us"]) for name, args in one.items())


def test_the_vendors_microseconds_and_clock_follow_from_its_own_ticks(files: Vendor) -> None:
    """The figures used if the summaries are missing: 19.2 ticks a microsecond, and cycles over those microseconds."""
    for args in (args for one in files.inferences for args in one.values()):
        us = (args["stat_end_ticks"] - args["stat_start_ticks"]) / 19.2
        assert us == pytest.approx(args["summary_time_us"], rel=1e-4)
        cycles = args["stat_end_cycles"] - args["stat_start_cycles"]
        assert cycles / us == pytest.approx(1000 * args["summary_htp_frequency_ghz"], rel=1e-3)


def test_every_op_of_the_page_is_the_files(files: Vendor) -> None:
    ops = {row["qnn_op"]: row for row in files.sections["qnn_op_instances_nodes"]}
    shown = files.page.table("op")
    assert len(shown) == min(len(ops), SHOWN)
    graph_us, timeline = files.overall["graph_execute_us"], files.overall["timeline_cycles"]
    clock = files.record.runtrace.clock_mhz if files.record.runtrace else None
    for row in shown:
        of_file = ops[row["op"]]
        dominant = of_file["num_dominant_path_cycles_htp_0"]
        assert row["type"] == of_file["qnn_op_type"]
        assert shows(row["dominant path"], of_file["percent_dominant_path_cycles_htp_0"])
        assert shows(row["cycles, all threads"], of_file["cycles"])
        assert shows(row["HTP ops"], of_file["num_htp_ops"])
        assert shows(row["DRAM"], of_file["dram_read"] + of_file["dram_write"])
        assert shows(row["VTCM"], of_file["vtcm_read"] + of_file["vtcm_write"])
        assert shows(row["µs"], dominant / clock if clock else dominant * graph_us / timeline)


def test_every_op_has_the_start_and_the_type_of_its_instances(files: Vendor) -> None:
    rows = files.sections["htp_op_instances"]
    if not rows:
        assert "start, cycle" not in files.page.table("op")[0]
        return
    begin = min(row["start_cycle"] for row in rows)
    for shown in files.page.table("op"):
        own = [row for row in rows if row["qnn_op"] == shown["op"]]
        assert shows(shown["start, cycle"], min(row["start_cycle"] for row in own) - begin)
        assert shown["data type"] in {row["dtype"] for row in own}
        assert shown["largest result"] in {" x ".join(map(str, row["dims"])) for row in own}


def test_every_htp_op_type_of_the_page_is_the_files(files: Vendor) -> None:
    types = {row["op"]: row for row in files.sections["htp_op_types"]}
    for row in files.page.table("HTP op type"):
        of_file = types[row["HTP op type"]]
        assert shows(row["dominant path"], of_file["percent_dominant_path_cycles_htp_0"])
        assert shows(row["cycles, all threads"], of_file["cycles"])
        assert shows(row["HTP ops"], of_file["instances"])
        assert ("format change" in row["marks"], "reference" in row["marks"]) == (
            of_file["format_change"],
            of_file["reference_op"],
        )


def test_every_thread_of_the_page_is_the_files_and_its_cycles_are_work_transfers_and_waits(
    files: Vendor,
) -> None:
    threads = files.overall["htp_resources"]["data"]
    for shown, row in zip(files.page.table("utilisation"), threads, strict=True):
        assert (shown["unit"], shown["thread"]) == (row["type"], str(row["tid"]))
        assert shows(shown["utilisation"], row["utilization"])
        assert shows(shown["cycles"], row["cycles_used"])
        for title, key in (
            ("DRAM read", "dram_read"),
            ("DRAM written", "dram_write"),
            ("VTCM read", "vtcm_read"),
            ("VTCM written", "vtcm_write"),
        ):
            assert shows(shown[title], row[key])
        own = [one for one in files.sections["htp_op_instances"] if one["tid"] == row["tid"]]
        if own:
            spent: Counter[str] = Counter()
            for one in own:
                waits = one["dma_wait"] or one["sync"]
                moves = one["dma"] and not (one["hmx"] or one["hvx"])
                kind = (
                    "waits" if waits else "other" if one["dma_set"] else "DMA transfers" if moves else "work"
                )
                spent[kind] += one["cycles"]
            for kind in ("work", "DMA transfers", "waits", "other"):
                assert shows(shown[kind], spent[kind])


@beside
def test_the_share_of_format_changes_of_a_network_of_matmuls_is_two_thirds() -> None:
    files = vendor(*CASES["native"])
    assert "16 format changes take 66.4 % of the dominant path." in files.page.text
