"""A file that is named like a network but is not one is reported, even if both sides have the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from qhas.failures import InvalidInput
from qhas.gate.faults import fault_of, require_a_network
from qhas.gate.gate import require_networks_of
from qhas.gate.model import GateState
from qhas.gate.sides import read_sides
from tests.onnx_bytes import write_onnx
from tests.qhas.gate.test_gate import Change

BROKEN = {
    "empty.onnx": (b"", "empty.onnx is empty"),
    "empty.dlc": (b"", "empty.dlc is empty"),
    "empty.json": (b"", "empty.json is empty"),
    "prose.onnx": (b"a network, some day", "prose.onnx cannot be read as an ONNX"),
    "prose.dlc": (b"a network, some day", "prose.dlc cannot be read as a DLC"),
    "bert.json": (b'{"model_type": "bert"}', "it has model_type bert"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_two_files_that_are_no_networks_are_refused_though_they_are_the_same(
    tmp_path: Path, name: str
) -> None:
    content, says = BROKEN[name]
    paths = [tmp_path / side / name for side in ("base", "head")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"There is nothing to compare: .*. Correct the paths") as refused:
        require_a_network(*read_sides(*map(str, paths), ["*"], tmp_path))
    assert says in str(refused.value)


def test_a_damaged_list_of_ops_is_seen(tmp_path: Path) -> None:
    content = bytearray(make_dlc(tmp_path / "net.dlc").read_bytes())
    assert fault_of(tmp_path / "net.dlc") == ""
    (tmp_path / "net.dlc").write_bytes(content[: len(content) // 2])
    assert "cannot be read as a DLC" in fault_of(tmp_path / "net.dlc")


def test_what_is_broken_on_one_side_alone_is_for_the_gate_to_judge(tmp_path: Path) -> None:
    (tmp_path / "old.onnx").touch()
    write_onnx(tmp_path / "new.onnx")
    for sides in (("old.onnx", "new.onnx"), ("new.onnx", "old.onnx")):
        require_a_network(*read_sides(*(str(tmp_path / side) for side in sides), ["*"], tmp_path))


def test_in_folders_what_is_no_network_on_both_sides_still_fails_and_is_told(tmp_path: Path) -> None:
    change = Change(tmp_path)
    for side in (change.base, change.head):
        (side / "beta.onnx").touch()
    result = change.judged()
    (beta,) = (line for line in result.lines if line.network == "beta")
    assert beta.state is GateState.STILL_FAILS
    assert beta.sentence == "The same bytes on both sides, but not a network: beta.onnx is empty."


def test_the_networks_are_named_where_a_budget_is_of_none(tmp_path: Path) -> None:
    change = Change(tmp_path)
    sides = read_sides(str(change.base), str(change.head), ["*"], tmp_path)
    with pytest.raises(InvalidInput, match=r"the networks are alpha; perhaps alpha was meant\.$"):
        require_networks_of(["alpa"], *sides)


def test_a_head_without_a_network_is_an_export_that_wrote_nothing(tmp_path: Path) -> None:
    for side in ("base", "head"):
        (tmp_path / side).mkdir()
    make_dlc(tmp_path / "base" / "net.dlc")
    with pytest.raises(InvalidInput, match=r"head has no network .* but .*base has 1"):
        read_sides(str(tmp_path / "base"), str(tmp_path / "head"), ["*"], tmp_path)
    first = read_sides(str(tmp_path / "head"), str(tmp_path / "base"), ["*"], tmp_path)
    assert [list(side.networks) for side in first] == [[], ["net"]]


def test_the_case_of_an_ending_does_not_matter(tmp_path: Path) -> None:
    write_onnx(tmp_path / "Net.ONNX")
    make_dlc(tmp_path / "other.DLC")
    base, _ = read_sides(str(tmp_path), str(tmp_path), ["*"], tmp_path)
    assert sorted(base.networks) == ["Net", "other"]
    assert [fault_of(path) for path in base.networks.values()] == ["", ""]


def test_folders_that_link_in_a_circle_are_searched_once(tmp_path: Path) -> None:
    make_dlc(tmp_path / "net.dlc")
    (tmp_path / "loop").symlink_to(".")
    assert list(read_sides(str(tmp_path), str(tmp_path), ["*"], tmp_path)[0].networks) == ["net"]
