"""A cell's inputs are random ones of the right size, or those that an input list names."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from typing import Any

import fsspec
import pytest

from fakes.records import model
from qhas.cell.inputs import StagedInputs, gather_inputs
from qhas.failures import FailureKind, Step, StepFailed
from tests.qhas.cell.test_dlc import dlc, metadata

TENSORS = ({"name": "image", "dimensions": [1, 3, 8, 8]}, {"name": "mask", "dimensions": [1, 5]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The step's directory."""
    (tmp_path / "step").mkdir()
    return tmp_path / "step"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """The folder of an input list, with three raw files."""
    (tmp_path / "data" / "sub").mkdir(parents=True)
    for name in ("a.raw", "b.raw", "sub/c.raw"):
        (tmp_path / "data" / name).write_bytes(name.encode())
    return tmp_path / "data"


def randoms(folder: Path, tmp_path: Path, name: str = "net") -> StagedInputs:
    return gather_inputs(model(name), dlc(tmp_path, metadata(*TENSORS)), folder)


def typed(folder: Path, tmp_path: Path, kind: str, **ranges: tuple[int, int]) -> StagedInputs:
    """Random inputs of a network with one input, `ids`, of twelve values."""
    ids = {"name": "ids", "dimensions": [1, 12], "dataType": f"QNN_DATATYPE_{kind}"}
    network = model().model_copy(update={"input_ranges": ranges})
    return gather_inputs(network, dlc(tmp_path, metadata(ids)), folder)


def listed(folder: Path, lists: Path, text: str) -> StagedInputs:
    (lists / "list.txt").write_text(text, encoding="utf-8")
    return gather_inputs(model(inputs=str(lists / "list.txt")), Path("no.dlc"), folder)


def lines(inputs: StagedInputs) -> list[str]:
    return inputs.list_file.read_text().splitlines()


def test_random_inputs_have_the_size_of_their_tensors(folder: Path, tmp_path: Path) -> None:
    inputs = randoms(folder, tmp_path)
    sizes = {name: file.stat().st_size for name, file in inputs.files.items()}
    assert sizes == {"inputs/0.raw": 4 * 192, "inputs/1.raw": 4 * 5}
    assert lines(inputs) == ["image:=inputs/0.raw mask:=inputs/1.raw"]
    assert inputs.inferences == 1


def test_random_inputs_are_standard_normal_float32(folder: Path, tmp_path: Path) -> None:
    values = array("f", randoms(folder, tmp_path).files["inputs/0.raw"].read_bytes())
    assert abs(sum(values) / len(values)) < 0.5
    assert 0.5 < sum(value * value for value in values) / len(values) < 2
    assert len(set(values)) > 150


def test_random_inputs_are_the_same_for_the_same_name(tmp_path: Path) -> None:
    content = []
    for place, name in (("one", "net"), ("two", "net"), ("three", "other")):
        (tmp_path / place).mkdir()
        inputs = randoms(tmp_path / place, tmp_path, name)
        content.append([file.read_bytes() for file in inputs.files.values()])
    assert content[0] == content[1] != content[2]


NO_WORDS = ["a b", "a\nb:=/etc/passwd", "#a", "%a", "a:=b", "", "a\x1b[0m", "a\u2028b"]


@pytest.mark.parametrize("name", NO_WORDS, ids=ascii)
def test_an_input_whose_name_means_something_else_in_a_list_is_not_named_there(
    name: str, folder: Path, tmp_path: Path
) -> None:
    odd, plain = ({"name": each, "dimensions": [2], "dataType": "FLOAT_32"} for each in (name, "plain"))
    alone = gather_inputs(model(), dlc(tmp_path, metadata(odd)), folder)
    assert alone.list_file.read_text() == "inputs/0.raw\n"
    with pytest.raises(StepFailed, match="cannot be named in an input list") as failed:
        gather_inputs(model(), dlc(tmp_path, metadata(odd, plain)), folder)
    assert failed.value.failure.kind is FailureKind.INPUT_UNREADABLE


def test_random_inputs_without_known_shapes_ask_for_a_list(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="give an input list") as failed:
        gather_inputs(model(), dlc(tmp_path, {}), folder)
    assert failed.value.failure.kind is FailureKind.INPUT_UNREADABLE


@pytest.mark.parametrize(
    ("kind", "width"),
    [("INT_8", 1), ("UINT_8", 1), ("BOOL_8", 1), ("INT_16", 2), ("INT_32", 4), ("UINT_32", 4), ("INT_64", 8)],
)
def test_random_whole_numbers_are_zeros_of_their_own_width(
    folder: Path, tmp_path: Path, kind: str, width: int
) -> None:
    inputs = typed(folder, tmp_path, kind)
    assert inputs.files["inputs/0.raw"].read_bytes() == bytes(12 * width)
    assert inputs.native


def test_random_whole_numbers_are_of_the_range_that_the_spec_gives(folder: Path, tmp_path: Path) -> None:
    values = array("q", typed(folder, tmp_path, "INT_64", ids=(5, 9)).files["inputs/0.raw"].read_bytes())
    assert set(values) <= set(range(5, 10))
    assert len(set(values)) > 1


@pytest.mark.parametrize(
    ("kind", "ranges", "complaint"),
    [
        ("UINT_8", {"ids": (0, 256)}, "range 0 to 256 does not fit input ids, which holds 0 to 255"),
        ("INT_32", {"ids": (9, 5)}, "range 9 to 5 does not fit"),
        ("FLOAT_16", {"ids": (0, 1)}, "input ids, which holds real numbers"),
        ("INT_32", {"idz": (0, 1)}, "input_ranges names 'idz', but the network's inputs are ids"),
    ],
)
def test_a_range_that_does_not_fit_is_refused(
    folder: Path, tmp_path: Path, kind: str, ranges: dict[str, tuple[int, int]], complaint: str
) -> None:
    with pytest.raises(StepFailed, match=complaint):
        typed(folder, tmp_path, kind, **ranges)


def test_half_floats_are_random_in_their_own_width(folder: Path, tmp_path: Path) -> None:
    content = typed(folder, tmp_path, "FLOAT_16").files["inputs/0.raw"].read_bytes()
    values = struct.unpack("<12e", content)
    assert len(set(values)) > 6


def test_fixed_point_inputs_are_float32_as_the_runtime_reads_them(folder: Path, tmp_path: Path) -> None:
    inputs = typed(folder, tmp_path, "UFIXED_POINT_8")
    assert inputs.files["inputs/0.raw"].stat().st_size == 48
    assert not inputs.native


@pytest.mark.parametrize(
    ("text", "staged", "inferences"),
    [
        ("a.raw\n", ["inputs/0-a.raw"], 1),
        ("a.raw", ["inputs/0-a.raw"], 1),
        ("a.raw\nb.raw\n", ["inputs/0-a.raw", "inputs/1-b.raw"], 2),
        ("a.raw\na.raw\na.raw\n", ["inputs/0-a.raw"] * 3, 3),
        ("\n\na.raw\n  \nb.raw\n\n", ["inputs/0-a.raw", "inputs/1-b.raw"], 2),
        ("x:=a.raw y:=b.raw\n", ["x:=inputs/0-a.raw y:=inputs/1-b.raw"], 1),
        ("x:=a.raw   y:=a.raw\n", ["x:=inputs/0-a.raw y:=inputs/0-a.raw"], 1),
        ("in:0:=a.raw\n", ["in:0:=inputs/0-a.raw"], 1),
        ("#layer1 layer2\n%out:0\na.raw\n", ["#layer1 layer2", "%out:0", "inputs/0-a.raw"], 1),
        ("sub/c.raw\n./a.raw\nsub/../b.raw\n", ["inputs/0-c.raw", "inputs/1-a.raw", "inputs/2-b.raw"], 3),
        ("a.raw\r\nb.raw\r\n", ["inputs/0-a.raw", "inputs/1-b.raw"], 2),
        ("  #layer1\n\t%out:0\na.raw\n", ["#layer1", "%out:0", "inputs/0-a.raw"], 1),
        ("\ufeffa.raw\n", ["inputs/0-a.raw"], 1),
        ("\ufeff#layer1\na.raw\n", ["#layer1", "inputs/0-a.raw"], 1),
    ],
    ids=repr,
)
def test_a_list_is_staged_line_by_line(
    folder: Path, lists: Path, text: str, staged: list[str], inferences: int
) -> None:
    inputs = listed(folder, lists, text)
    assert lines(inputs) == staged
    assert inputs.inferences == inferences


def test_files_are_taken_relative_to_the_list_or_by_their_absolute_path(
    folder: Path, lists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = listed(folder, lists, f"sub/c.raw\n{lists / 'a.raw'}\n")
    assert {name: file.read_bytes() for name, file in inputs.files.items()} == {
        "inputs/0-c.raw": b"sub/c.raw",
        "inputs/1-a.raw": b"a.raw",
    }


def test_a_file_named_often_is_staged_once(folder: Path, lists: Path) -> None:
    inputs = listed(folder, lists, "x:=a.raw y:=b.raw\n" * 100)
    assert len(inputs.files) == 2
    assert inputs.inferences == 100


def test_a_missing_file_is_named_as_the_list_names_it(folder: Path, lists: Path) -> None:
    with pytest.raises(StepFailed, match=r"Input sub/gone\.raw cannot be read") as failed:
        listed(folder, lists, "a.raw\nx:=sub/gone.raw\n")
    failure = failed.value.failure
    assert (failure.kind, failure.step) == (FailureKind.INPUT_UNREADABLE, Step.NET_RUN)


def test_a_missing_list_is_named(folder: Path, lists: Path) -> None:
    with pytest.raises(StepFailed, match=r"gone\.txt cannot be read"):
        gather_inputs(model(inputs=str(lists / "gone.txt")), Path("no.dlc"), folder)


@pytest.mark.parametrize("text", ["", "\n \n", "#layer1\n"], ids=repr)
def test_a_list_without_an_inference_is_refused(folder: Path, lists: Path, text: str) -> None:
    with pytest.raises(StepFailed, match=r"list\.txt names no input") as failed:
        listed(folder, lists, text)
    assert failed.value.failure.kind is FailureKind.INPUT_REJECTED


def test_a_list_may_lie_in_an_object_store(folder: Path) -> None:
    memory: Any = fsspec.filesystem("memory")
    memory.pipe({"/test-inputs/list.txt": b"sub/a.raw\n", "/test-inputs/sub/a.raw": b"remote"})
    inputs = gather_inputs(model(inputs="memory://test-inputs/list.txt"), Path("no.dlc"), folder)
    assert inputs.files["inputs/0-a.raw"].read_bytes() == b"remote"


def test_lists_of_several_graphs_are_in_the_order_of_the_graphs_and_share_no_file(
    folder: Path, lists: Path, tmp_path: Path
) -> None:
    (lists / "one.txt").write_text("a.raw\nb.raw\n")
    (lists / "sub/other.txt").write_text("c.raw\n")
    caches = [
        {"graphs": [{"graphName": name, "graphInputs": list(TENSORS[:1])} for name in ("prefill", "decode")]}
    ]
    network = model().model_copy(
        update={"graph_inputs": {"decode": str(lists / "sub/other.txt"), "prefill": str(lists / "one.txt")}}
    )
    inputs = gather_inputs(network, dlc(tmp_path, {"cacheList": caches}), folder)
    assert [listing.read_text().splitlines() for listing in inputs.lists] == [
        ["inputs/0-a.raw", "inputs/1-b.raw"],
        ["inputs/2-c.raw"],
    ]
    assert {name: file.read_bytes() for name, file in inputs.files.items()} == {
        "inputs/0-a.raw": b"a.raw",
        "inputs/1-b.raw": b"b.raw",
        "inputs/2-c.raw": b"sub/c.raw",
    }
    assert inputs.inferences == 2
