"""What is noted about a QHAS file that lists less than it counts, or about which core its figures are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.profiles import core, htp_op, qhas
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.profile.metrics import metrics_of
from qhas.profile.notes import notes, of_one_graph
from qhas.profile.qhas_file import QhasFile, parse_qhas, read_qhas

SHARED = Path(__file__).parents[3].parent / "shared"
needs_files = pytest.mark.skipif(
    not SHARED.exists(), reason="the vendor's files are not beside the repository"
)


def file(*cores: dict[str, Any], **sections: list[dict[str, Any]]) -> QhasFile:
    """A file that lists all it counts, unless the given cores or sections say otherwise."""
    rows = list(cores) or [core(qnn_nodes=1)]
    return parse_qhas(json.dumps(qhas(htp_overall_summary=rows, **sections)).encode(), "qhas.json")


def test_of_a_whole_file_there_is_nothing_to_note() -> None:
    assert notes(file()) == []


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"qnn_nodes": 86}, "lists only 1 of 86 ops"),
        ({"qnn_nodes": 1, "unique_qnn_ops": 1_100}, "lists only 3 of 1,100 op types"),
        ({"qnn_nodes": 1, "unique_htp_ops": 24}, "lists only 3 of 24 HTP op types"),
        ({"qnn_nodes": 2, "unique_htp_ops": 4}, "lists only 1 of 2 ops, 3 of 4 HTP op types"),
    ],
)
def test_a_list_that_is_shorter_than_its_count_is_named_with_both(counts: dict[str, int], said: str) -> None:
    (note,) = notes(file(core(**counts)))
    assert note.startswith(f"{said}; ")


def test_what_a_short_list_does_not_hold_is_not_counted_as_none() -> None:
    metrics = metrics_of(file(core(qnn_nodes=86, unique_htp_ops=24)))
    assert (metrics.op_counts, metrics.reference_ops, metrics.format_changes) == (None, None, None)
    assert metrics_of(file()).reference_ops == 8


def test_a_file_without_counts_of_types_is_read_and_nothing_is_made_up() -> None:
    row = {key: value for key, value in core(qnn_nodes=1).items() if not key.startswith("unique_")}
    assert notes(file(row)) == []


def test_a_core_that_is_not_the_first_is_named() -> None:
    assert notes(file(core(htp=1, qnn_nodes=1))) == ["covers HTP core 1 only"]


def test_of_several_cores_it_is_said_whose_the_figures_are() -> None:
    (note,) = notes(file(core(qnn_nodes=1), core(htp=3, qnn_nodes=1, timeline_cycles=600_000)))
    assert note.startswith("covers 2 HTP cores: times, utilisation and the dominant path are those of core 3")


def test_marks_that_are_not_there_are_said_not_to_be() -> None:
    unmarked = [htp_op(f"q::{name}", 1) for name in "abc"]
    for row in unmarked:
        del row["reference_op"]
    assert notes(file(htp_op_types=unmarked)) == [
        "does not state which HTP ops are reference implementations"
    ]


def test_a_comparison_says_it_of_the_side_it_is_of() -> None:
    whole, short = Evidence(file()), Evidence(file(core(qnn_nodes=86)).model_copy(update={"name": "b.json"}))
    remarks = compare(whole, short).remarks
    assert [remark for remark in remarks if "lists only" in remark] == [
        "b.json lists only 1 of 86 ops; the others appear only in the totals."
    ]


@pytest.mark.parametrize(
    ("end", "same"), [(560_000, True), (566_100, True), (500_000, False), (64_829, False)]
)
def test_a_trace_that_ends_elsewhere_is_of_another_graph(end: int, same: bool) -> None:
    assert of_one_graph(end, file()) is same


def test_of_a_small_graph_what_comes_before_and_after_it_is_no_other_graph() -> None:
    assert of_one_graph(9_000, file(core(timeline_cycles=3_000)))


@needs_files
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("inputs/qhas-core1-only.json", ["covers HTP core 1 only"]),
        (
            "inputs/two-cores.json",
            ["covers 2 HTP cores", "lists only 5 of 11 op types, 10 of 86 ops, 5 of 24 HTP"],
        ),
        ("data/vendor/device-resnet50-qhas.json", ["lists only 5 of 11 op types, 10 of 86 ops, 5 of 24 HTP"]),
        ("data/vendor/device-hvx-int16-qhas.json", []),
        ("data/vendor/device-native-qhas.json", []),
    ],
)
def test_vendors_files_are_noted_as_they_are(path: str, said: list[str]) -> None:
    found = notes(read_qhas(SHARED / path))
    assert [note[: len(start)] for note, start in zip(found, said, strict=True)] == said
