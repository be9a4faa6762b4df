"""Figures from QHAS JSON: read by name, tolerant of additions, never of truncation."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.profiles import core, htp_op, qhas, qnn_op
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.profile.metrics import TOP_OPS, Metrics, metrics_of
from qhas.profile.qhas_file import QhasFile, QhasInvalid, parse_qhas, read_qhas

INPUTS = Path(__file__).parents[4] / "shared/inputs"
"""Files of the vendor's tools, if they are present beside the repository."""


def read(folder: Path, document: Any) -> Metrics:
    file = folder / "qhas.json"
    file.write_text(
        document if isinstance(document, str) else json.dumps(document, indent=4), encoding="utf-8"
    )
    return metrics_of(read_qhas(file))


def test_a_whole_summary_gives_the_figures_of_its_first_inference(tmp_path: Path) -> None:
    metrics = read(tmp_path, qhas())
    assert metrics.time_us == 410
    assert metrics.timeline_cycles == 560_000
    assert metrics.utilization_percent == 87.5
    assert (metrics.dram_read, metrics.dram_write, metrics.dram_total) == (100_000, 10_000, 110_000)
    assert (metrics.vtcm_read, metrics.vtcm_write, metrics.peak_vtcm) == (400_000, 200_000, 4_194_304)
    assert (metrics.qnn_nodes, metrics.htp_nodes) == (11, 40)


def test_reference_ops_and_format_changes_count_instances(tmp_path: Path) -> None:
    ops = [
        htp_op("q::a", 20),
        htp_op("q::b", 3, reference=True),
        htp_op("q::c", 4, reference=True, format_change=True),
    ]
    metrics = read(tmp_path, qhas(htp_op_types=ops))
    assert (metrics.reference_ops, metrics.format_changes) == (7, 4)


def test_ops_are_ranked_by_their_share_of_the_dominant_path_not_by_cycles(tmp_path: Path) -> None:
    metrics = read(tmp_path, qhas())
    assert [share.op for share in metrics.top_ops] == ["ElementWiseAdd", "Conv2d", "Softmax"]
    assert metrics.top_ops[0].dominant_cycles == 240_000
    assert metrics.top_ops[0].dominant_percent == pytest.approx(48.98, abs=0.01)


def test_equal_shares_are_ranked_by_name_and_the_list_is_short(tmp_path: Path) -> None:
    ops = [qnn_op(f"Op{number:02}", 5, 5) for number in reversed(range(TOP_OPS + 5))]
    metrics = read(tmp_path, qhas(qnn_op_types=ops))
    assert [share.op for share in metrics.top_ops] == [f"Op{number:02}" for number in range(TOP_OPS)]


def test_traffic_and_nodes_of_several_cores_are_summed_and_peaks_are_not(tmp_path: Path) -> None:
    cores = [
        core(0, peak_vtcm_alloc=2_000_000, timeline_cycles=500, htp_nodes=30),
        core(1, peak_vtcm_alloc=3_000_000, timeline_cycles=700, htp_nodes=12),
    ]
    metrics = read(tmp_path, qhas(htp_overall_summary=cores))
    assert (metrics.dram_read, metrics.dram_write) == (200_000, 20_000)
    assert (metrics.vtcm_read, metrics.vtcm_write) == (800_000, 400_000)
    assert (metrics.peak_vtcm, metrics.timeline_cycles, metrics.htp_nodes) == (3_000_000, 700, 42)


def test_unknown_keys_are_ignored_wherever_they_stand(tmp_path: Path) -> None:
    document = qhas()
    document["new"] = document["header"]["new"] = document["data"]["new"] = {"data": [1]}
    for section in ("htp_overall_summary", "qnn_op_types", "htp_op_types"):
        for row in document["data"][section]["data"]:
            row["new"] = None
    assert read(tmp_path, document) == read(tmp_path, qhas())


def test_sections_that_no_figure_needs_may_be_absent(tmp_path: Path) -> None:
    document = qhas()
    for section in ("htp_op_instances", "dominant_path_htp_0", "qnn_op_instances_nodes"):
        del document["data"][section]
    assert read(tmp_path, document).time_us == 410


@pytest.mark.parametrize(
    "place",
    [
        "header",
        "header.artifact_type",
        "data",
        "data.htp_overall_summary",
        "data.htp_overall_summary.data",
        "data.htp_overall_summary.data.0.time_us",
        "data.htp_overall_summary.data.0.total_dram_read",
        "data.htp_overall_summary.data.0.percent_utilization",
        "data.htp_op_types.data.0.instances",
        "data.qnn_op_types.data.0.op",
    ],
)
def test_a_missing_key_is_named(tmp_path: Path, place: str) -> None:
    document = copy.deepcopy(qhas())
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    spot: Any = document
    for part in way:
        spot = spot[part]
    del spot[last]
    with pytest.raises(QhasInvalid, match=rf"qhas\.json has no '{last}'"):
        read(tmp_path, document)


def test_a_summary_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    text = json.dumps(qhas(), indent=4)
    whole = 0
    for length in range(0, len(text), 50):
        with pytest.raises(QhasInvalid, match="is not complete JSON"):
            read(tmp_path, text[:length])
        whole += 1
    assert whole > 100


def test_the_cut_behind_inf_per_s_which_some_sdks_write_is_refused(tmp_path: Path) -> None:
    text = json.dumps(qhas(), indent=4)
    with pytest.raises(QhasInvalid, match="is not complete JSON"):
        read(tmp_path, text[: text.index('"inf_per_s": ') + len('"inf_per_s": ')])


def changed(place: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(qhas())
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    spot: Any = document
    for part in way:
        spot = spot[part]
    spot[last] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        "text",
        {"header": [], "data": {}},
        changed("header.artifact_type", "OP_TRACE"),
        changed("header.provenance", None),
        changed("header.provenance", "simulated"),
        changed("data", []),
        changed("data.htp_overall_summary.data", []),
        changed("data.htp_overall_summary.data", {}),
        changed("data.htp_overall_summary.data.0", 7),
        changed("data.htp_overall_summary.data.0.time_us", None),
        changed("data.htp_overall_summary.data.0.time_us", "fast"),
        changed("data.htp_overall_summary.data.0.total_dram_read", "1"),
        changed("data.qnn_op_types.data", None),
        changed("data.qnn_op_types.data.0.cycles", []),
        changed("data.htp_op_types.data.1.instances", None),
    ],
    ids=lambda document: json.dumps(document)[:40],
)
def test_another_shape_is_refused_in_one_line(tmp_path: Path, document: Any) -> None:
    with pytest.raises(QhasInvalid) as refused:
        read(tmp_path, json.dumps(document))
    assert "qhas.json" in str(refused.value)
    assert "\n" not in str(refused.value)


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["QHAS", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["header", "artifact_type", "data", "htp_overall_summary"]), inner
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=150)
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.json"
    file.write_bytes(content)
    with pytest.raises(QhasInvalid):
        read_qhas(file)


def test_a_device_summary_states_no_provenance(tmp_path: Path) -> None:
    metrics = read(tmp_path, qhas())
    assert metrics.estimate is None
    assert metrics.statement is None


def test_what_the_header_says_of_its_origin_is_kept(tmp_path: Path) -> None:
    stated = {"estimate": "unsupported", "statement": "Simulated on a host, not measured."}
    metrics = read(tmp_path, changed("header.provenance", stated))
    assert (metrics.estimate, metrics.statement) == ("unsupported", "Simulated on a host, not measured.")


def test_a_producer_is_named_where_nothing_more_is_said(tmp_path: Path) -> None:
    assert read(tmp_path, changed("header.producer", "fake SDK")).statement == "Made by fake SDK."


def two_cores() -> dict[str, Any]:
    """A document whose second core ends last, with a share of its own in every op's path."""
    cores = [core(0), core(1, timeline_cycles=900_000, time_us=700, percent_utilization=40.0, qnn_nodes=12)]
    document = qhas(htp_overall_summary=cores)
    for place, row in enumerate(document["data"]["qnn_op_types"]["data"]):
        row["num_dominant_path_cycles_htp_1"] = 1000 * place
        row["percent_dominant_path_cycles_htp_1"] = 10.0 * place
    return document


def test_every_figure_of_one_core_is_of_the_core_that_ends_last(tmp_path: Path) -> None:
    metrics = read(tmp_path, two_cores())
    assert (metrics.time_us, metrics.timeline_cycles) == (700, 900_000)
    assert (metrics.utilization_percent, metrics.qnn_nodes) == (40.0, 12)
    assert [(share.op, share.dominant_cycles, share.dominant_percent) for share in metrics.top_ops] == [
        ("Softmax", 2000, 20.0),
        ("ElementWiseAdd", 1000, 10.0),
        ("Conv2d", 0, 0.0),
    ]


def test_the_order_of_the_cores_in_the_file_says_nothing(tmp_path: Path) -> None:
    document = two_cores()
    document["data"]["htp_overall_summary"]["data"].reverse()
    assert read(tmp_path, document) == read(tmp_path, two_cores())


def test_a_core_that_is_not_the_first_of_its_chip_is_read_as_any_other(tmp_path: Path) -> None:
    text = json.dumps(qhas(htp_overall_summary=[core(3)])).replace("_htp_0", "_htp_3")
    assert read(tmp_path, text) == read(tmp_path, qhas())


@pytest.mark.parametrize("timelines", [(500, 700), (700, 500)], ids=["second ends last", "first ends last"])
def test_record_and_comparison_say_the_same_of_several_cores(timelines: tuple[int, int]) -> None:
    document = qhas(
        htp_overall_summary=[
            core(
                number, timeline_cycles=cycles, time_us=cycles, graph_execute_us=cycles, qnn_nodes=number + 5
            )
            for number, cycles in enumerate(timelines)
        ]
    )
    assert_agreement(parse_qhas(json.dumps(document).encode(), "qhas.json"))


@pytest.mark.parametrize("name", ["two-cores.json", "qhas-core1-only.json"])
def test_record_and_comparison_agree_on_vendor_files_of_other_cores(name: str) -> None:
    if not (path := INPUTS / name).exists():
        pytest.skip(f"{path} is not there")
    file = read_qhas(path)
    assert_agreement(file)
    assert metrics_of(file).timeline_cycles == max(core.timeline_cycles for core in file.cores)


def assert_agreement(file: QhasFile) -> None:
    recorded = metrics_of(file).model_dump()
    compared = {figure.name: figure.after for figure in compare(Evidence(file), Evidence(file)).figures}
    assert {name: compared[name] for name in compared.keys() & recorded.keys()} == {
        name: recorded[name] for name in compared.keys() & recorded.keys()
    }


@pytest.mark.parametrize(
    ("section", "key", "lost"),
    [
        ("htp_op_types", "reference_op", {"reference_ops": None, "reference_percent": None}),
        ("htp_op_types", "format_change", {"format_changes": None, "format_change_percent": None}),
        ("qnn_op_types", "num_dominant_path_cycles_htp_0", {"top_ops": []}),
        ("qnn_op_types", "percent_dominant_path_cycles_htp_0", {"top_ops": []}),
        (
            "htp_op_types",
            None,
            dict.fromkeys(("reference_ops", "format_changes", "reference_percent", "format_change_percent")),
        ),
        ("qnn_op_types", None, {"top_ops": []}),
        ("qnn_op_instances_nodes", None, {"op_counts": None}),
    ],
)
def test_what_a_file_does_not_tell_is_null_in_records_and_comparisons(
    tmp_path: Path, section: str, key: str | None, lost: dict[str, Any]
) -> None:
    document = copy.deepcopy(qhas())
    if key is None:
        del document["data"][section]
    else:
        for row in document["data"][section]["data"]:
            del row[key]
    assert read(tmp_path, document).model_dump() == read(tmp_path, qhas()).model_dump() | lost
    assert_agreement(parse_qhas(json.dumps(document).encode(), "qhas.json"))
