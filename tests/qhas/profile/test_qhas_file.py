"""The whole QHAS file: read by name, tolerant of what is new or absent, never of truncation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.profiles import core
from qhas.profile.qhas_file import QhasFile, QhasInvalid, parse_qhas, read_qhas
from tests.qhas.diff.summaries import Made, document

NETWORK = [Made("conv1"), Made("add", "Add", hmx=False)]


def parsed(content: Any) -> QhasFile:
    return parse_qhas(json.dumps(content).encode(), "qhas.json")


def test_every_section_is_read() -> None:
    file = parsed(document(NETWORK))
    assert file.missing == ()
    assert [(op.name, op.type, op.dominant) for op in file.qnn_ops] == [
        ("conv1", "Conv2d", {0: 100_000}),
        ("add", "Add", {0: 100_000}),
    ]
    assert {op.op: op.instances for op in file.htp_op_types} == {
        "q::weights_to_vtcm": 2,
        "q::ConvLayer.opt": 8,
    }
    assert [op.place for op in file.htp_ops] == [0] * 5 + [1] * 5
    assert sum(step.dp_cycles for step in file.paths[0]) == file.longest.timeline_cycles
    assert {row.type for row in file.longest.resources} == {"HMX", "HVX"}


def test_gzip_is_read_like_the_file_itself(tmp_path: Path) -> None:
    content = json.dumps(document(NETWORK)).encode()
    (plain := tmp_path / "a.json").write_bytes(content)
    (packed := tmp_path / "a.json.gz").write_bytes(gzip.compress(content))
    assert read_qhas(packed).cores == read_qhas(plain).cores


def test_absent_and_empty_sections_are_named_and_no_error() -> None:
    content = document(NETWORK)
    del content["data"]["htp_op_types"]
    content["data"]["dominant_path_htp_0"]["data"] = []
    assert parsed(content).missing == ("htp_op_types", "dominant_path_htp_0")


def test_several_cores_have_their_own_columns_and_paths() -> None:
    content = document(NETWORK)
    content["data"]["htp_overall_summary"]["data"].append(core(1, timeline_cycles=9_000_000))
    content["data"]["qnn_op_instances_nodes"]["data"][0]["num_dominant_path_cycles_htp_1"] = 7
    content["data"]["dominant_path_htp_1"] = content["data"]["dominant_path_htp_0"]
    file = parsed(content)
    assert file.longest.htp == 1
    assert file.qnn_ops[0].dominant == {0: 100_000, 1: 7}
    assert file.paths.keys() == {0, 1}


def test_unknown_keys_are_ignored_wherever_they_stand() -> None:
    content = document(NETWORK)
    content["new"] = content["data"]["new"] = {"data": [1]}
    for section in content["data"].values():
        for row in section["data"]:
            if isinstance(row, dict):
                row["new"] = None
    assert parsed(content) == parsed(document(NETWORK))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"7", b"{}", b"\x1f\x8b", b'{"header": {"artifact_type": "OP_TRACE"}, "data": {}}'],
    ids=repr,
)
def test_what_is_no_summary_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(QhasInvalid, match=r"^qhas\.json [^\n]+$"):
        parse_qhas(content, "qhas.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QhasInvalid, match="cannot be read"):
        read_qhas(tmp_path / "gone.json")


@given(st.integers(1, 3000))
def test_a_file_that_is_cut_off_is_never_taken_for_a_whole_one(length: int) -> None:
    content = json.dumps(document(NETWORK)).encode()
    for whole in (content, gzip.compress(content, mtime=0)):
        with pytest.raises(QhasInvalid):
            parse_qhas(whole[: min(length, len(whole) - 1)], "qhas.json")


def test_a_file_that_unpacks_without_end_is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qhas.profile.qhas_file.LARGEST", 1 << 20)
    bomb = gzip.compress(b" " * (8 << 20))
    with pytest.raises(QhasInvalid, match=r"qhas\.json\.gz cannot be read: it unpacks to over 1 MB"):
        parse_qhas(bomb, "qhas.json.gz")


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(QhasInvalid, match="/dev/zero cannot be read: it is not a regular file"):
        read_qhas(Path("/dev/zero"))


@pytest.mark.parametrize(
    "counts",
    [
        {"time_us": 1 << 63},
        {"total_dram_read": (1 << 64) - 1},
        {"total_dram_read": 1 << 62, "total_dram_write": 1 << 62},
        {"time_us": -1},
        {"timeline_cycles": -1},
    ],
)
def test_counts_that_no_record_could_hold_are_refused_with_the_file(counts: dict[str, int]) -> None:
    content = document(NETWORK)
    content["data"]["htp_overall_summary"]["data"] = [core(**counts)]
    with pytest.raises(QhasInvalid, match=r"^qhas\.json has an unexpected"):
        parsed(content)


@pytest.mark.parametrize("section", ["qnn_op_types", "qnn_op_instances_nodes", "htp_op_instances"])
def test_counts_whose_sum_no_record_could_hold_are_refused_too(section: str) -> None:
    content = document(NETWORK)
    for row in content["data"][section]["data"]:
        row["cycles"] = 1 << 62
    with pytest.raises(QhasInvalid, match="the sum of its counts has more than 64 bits"):
        parsed(content)
