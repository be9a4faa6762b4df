"""The QHAS summary agrees with figures computed by hand from the four-op graph (see `tiny`)."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from hostsdk.viewer.qhas import is_reference
from hostsdk.viewer.schema import RESOURCE, SECTIONS, qhas_schema
from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.conftest import Desk, Rows


def test_overall_figures(rows: Rows) -> None:
    (overall,) = rows("htp_overall_summary")
    del overall["htp_resources"]
    assert overall == {
        "htp": 0,
        "percent_idle": pytest.approx(100 * 26 / 126),
        "percent_utilization": pytest.approx(100 * 100 / 126),
        "time_us": 2,
        "graph_execute_us": 2,
        "inf_per_s": 500_000.0,
        "timeline_cycles": 126,
        "total_dram_read": 100,
        "total_dram_write": 40,
        "total_dram": 140,
        "peak_vtcm_alloc": 150,
        "total_vtcm_read": 190,
        "total_vtcm_write": 200,
        "total_vtcm": 390,
        "unique_qnn_ops": 4,
        "qnn_nodes": 4,
        "unique_htp_ops": 4,
        "htp_nodes": 4,
    }


def test_resources_are_the_threads_that_worked(rows: Rows) -> None:
    found = rows("htp_overall_summary")[0]["htp_resources"]["data"]
    assert [(row["type"], row["tid"], row["start_cycle"], row["end_cycle"]) for row in found] == [
        ("HMX", 256, 40, 80),
        ("HVX", 257, 60, 100),
        ("DMA", 261, 10, 120),
    ]
    assert [(row["timeline_cycles"], row["cycles_used"]) for row in found] == [(40, 40), (40, 40), (110, 50)]


def test_utilization_is_a_share_of_the_whole_timeline(rows: Rows) -> None:
    dma = rows("htp_overall_summary")[0]["htp_resources"]["data"][2]
    assert dma["utilization"] == pytest.approx(100 * 50 / 126)


def test_active_cycles_are_a_share_of_what_all_resources_used(rows: Rows) -> None:
    shares = {row["op"]: row["percent_active_cycles"] for row in rows("qnn_op_types")}
    assert shares["Conv2d"] == pytest.approx(100 * 40 / 130)
    assert sum(shares.values()) == pytest.approx(100)


def test_dominant_path_cycles_are_a_share_of_the_busy_timeline(rows: Rows) -> None:
    shares = {
        row["op"]: (row["num_dominant_path_cycles_htp_0"], row["percent_dominant_path_cycles_htp_0"])
        for row in rows("htp_op_types")
    }
    assert shares == {
        "q::ConvLayer_s1.opt": (40, 40.0),
        "q::Relu_ref": (20, 20.0),
        "q::*OutputSlice": (20, 20.0),
        "q::*InputSlice": (20, 20.0),
    }


@pytest.mark.parametrize(
    "section", ["qnn_op_types", "qnn_op_instances_nodes", "htp_op_types", "htp_op_instances"]
)
def test_most_cycles_come_first(rows: Rows, section: str) -> None:
    assert [row["cycles"] for row in rows(section)] == [40, 40, 30, 20]


def test_nodes_are_named_and_typed(rows: Rows) -> None:
    assert [(row["qnn_op"], row["qnn_op_type"]) for row in rows("qnn_op_instances_nodes")] == [
        ("conv", "Conv2d"),
        (tiny.HOSTILE_NAME, "Relu"),
        ("Output", "Output"),
        ("Input", "Input"),
    ]


def test_an_op_instance_carries_its_tensor_its_inputs_and_its_flags(rows: Rows) -> None:
    conv = rows("htp_op_instances")[0]
    assert conv == {
        "htp": 0,
        "tid": 256,
        "op_id": "0x20000000010",
        "htp_op": "q::ConvLayer_s1.opt",
        "qnn_op": "conv",
        "qnn_op_type": "Conv2d",
        "dtype": "QUInt8",
        "rank": 4,
        "step_size": 0.0359642431,
        "zero_offset": 128,
        "dims": [1, 8, 8, 32],
        "input_nodes": ["0x10000000002"],
        "start_cycle": 40,
        "cycles": 40,
        "num_dominant_path_cycles": 40,
        "percent_dominant_path_cycles": 40.0,
        "cycles_per_packet": 0.0,
        "fmt_change": False,
        "ref_op": False,
        "hmx": True,
        "hvx": False,
        "dma_wait": False,
        "dma_set": False,
        "dma": False,
        "sync": False,
        "dram_read": 0,
        "dram_write": 0,
        "vtcm_read": 100,
        "vtcm_write": 50,
    }


def test_the_dominant_path_is_in_time_order_with_idle_at_the_end(rows: Rows) -> None:
    found = [
        (row["htp_op"], row["start_cycle"], row["dp_cycles"], row["partial"])
        for row in rows("dominant_path_htp_0")
    ]
    assert found == [
        ("q::*InputSlice", 10, 20, False),
        ("q::ConvLayer_s1.opt", 40, 40, False),
        ("q::Relu_ref", 80, 20, True),
        ("q::*OutputSlice", 100, 20, True),
        ("Accumulated Idle", 0, 10, False),
        ("Accumulated Idle", 30, 10, False),
        ("Accumulated Idle", 120, 6, False),
    ]
    assert sum(row["dp_cycles"] for row in rows("dominant_path_htp_0")) == 126


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("q::Relu_ref", True),
        ("q::Add.ref", True),
        ("q::reference.Add", True),
        ("q::Refit", False),
        ("q::Prefetch", False),
        ("q::ConvLayer_s1.opt", False),
    ],
)
def test_a_reference_op_is_known_by_its_name(name: str, reference: bool) -> None:
    assert is_reference(name) is reference


def test_header_and_sections_are_the_vendors_in_their_order(viewed: Desk) -> None:
    summary = viewed.summary
    assert list(summary) == ["header", "model_id", "data"]
    assert list(summary["header"]) == ["header_version", "version", "artifact_type", "provenance"]
    assert summary["header"]["version"] == {"major": 1, "minor": 0, "patch": 0}
    assert (summary["header"]["artifact_type"], summary["model_id"]) == ("QHAS", "tiny")
    assert list(summary["data"]) == list(SECTIONS)


def test_rows_have_the_fields_of_the_schema_in_its_order(viewed: Desk) -> None:
    data = viewed.summary["data"]
    for section, fields in SECTIONS.items():
        assert all(list(row) == list(fields) for row in data[section]["data"])
    (overall,) = data["htp_overall_summary"]["data"]
    assert all(list(row) == list(RESOURCE) for row in overall["htp_resources"]["data"])


def test_the_text_is_indented_by_four_blanks(viewed: Desk) -> None:
    text = (viewed.out / "chrometrace_qnn_htp_analysis_summary.json").read_text()
    assert text.startswith('{\n    "header": {\n        "header_version": {\n            "major": 1,\n')


def test_the_summary_validates_against_the_schema_written_with_it(viewed: Desk) -> None:
    schema = viewed.json("qhas_schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(viewed.summary)


def _places() -> list[tuple[str, str]]:
    return [(section, name) for section, fields in SECTIONS.items() for name in fields]


@pytest.mark.parametrize(("section", "name"), _places())
def test_the_schema_refuses_a_missing_and_a_mistyped_field(viewed: Desk, section: str, name: str) -> None:
    summary = viewed.summary
    row: dict[str, Any] = summary["data"][section]["data"][0]
    judge = jsonschema.Draft202012Validator(qhas_schema())
    row[name] = None
    assert not judge.is_valid(summary)
    del row[name]
    assert not judge.is_valid(summary)


def test_a_time_that_rounds_to_zero_still_gives_a_rate(tmp_path: Any) -> None:
    desk = Desk(tmp_path)
    fast = tiny.payload() | {"Hextimate Configuration": {"soc_type": "SA8255", "sim_core_freq": 1260.0}}
    (tmp_path / "run.log").write_bytes(tiny.log(fast, cycles=None))
    assert desk.view() == 0
    (overall,) = desk.summary["data"]["htp_overall_summary"]["data"]
    assert (overall["time_us"], overall["inf_per_s"]) == (0, pytest.approx(1e6 / (120 / 1260)))
