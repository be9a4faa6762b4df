"""What an input list may contain, and what is refused with which code."""

from pathlib import Path

import pytest

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.input_list import InputFile, parse, resolve


def write(directory: Path, text: str) -> Path:
    path = directory / "input_list.txt"
    path.write_text(text)
    return path


def refused(call, *arguments) -> ToolError:
    with pytest.raises(ToolError) as caught:
        call(*arguments)
    return caught.value


def test_each_line_is_one_inference(tmp_path):
    found = parse(write(tmp_path, "a.raw\nb.raw\n\n"))
    assert found.inferences == ((InputFile(None, "a.raw"),), (InputFile(None, "b.raw"),))


def test_named_inputs_share_a_line_and_names_keep_colons(tmp_path):
    found = parse(write(tmp_path, "left:0:=a.raw right:=/tmp/b.raw\n"))
    assert found.inferences == ((InputFile("left:0", "a.raw"), InputFile("right", "/tmp/b.raw")),)


def test_header_lines_name_layers_and_tensors(tmp_path):
    found = parse(write(tmp_path, "#conv1 conv2\n%prob\na.raw\n"))
    assert (found.layers, found.tensors) == (("conv1", "conv2"), ("prob",))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("%prob\n#conv1\na.raw\n", "header lines come first"),
        ("a.raw\n%prob\n", "header lines come first"),
        ("%a\n%b\nx.raw\n", "header lines come first"),
        (":=a.raw\n", "name:=path"),
        ("x:=\n", "name:=path"),
        ("", "names no input"),
        ("%prob\n", "names no input"),
    ],
)
def test_a_malformed_list_is_refused_saying_where(tmp_path, text, word):
    error = refused(parse, write(tmp_path, text))
    assert error.code is ErrorCode.INVALID_PARAMETER
    assert word in error.message


def test_a_missing_list_and_a_binary_list_are_refused(tmp_path):
    assert refused(parse, tmp_path / "none.txt").code is ErrorCode.MISSING_FILE
    path = tmp_path / "bytes.txt"
    path.write_bytes(b"\xff\xfe\x00\x80")
    assert "not a text file" in refused(parse, path).message


def test_files_are_resolved_by_name_against_the_working_directory(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(8))
    (tmp_path / "b.raw").write_bytes(bytes(4))
    line = [InputFile("y", "b.raw"), InputFile("x", "a.raw")]
    assert resolve([line], {"x": 8, "y": 4}, tmp_path) == [{"x": tmp_path / "a.raw", "y": tmp_path / "b.raw"}]


def test_a_bare_path_suits_a_network_of_one_input(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(8))
    assert resolve([[InputFile(None, "a.raw")]], {"x": 8}, tmp_path) == [{"x": tmp_path / "a.raw"}]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ([InputFile("x", "a.raw")], ErrorCode.WRONG_INPUT_COUNT),
        ([InputFile("x", "a.raw"), InputFile("z", "a.raw")], ErrorCode.WRONG_INPUT_NAME),
        ([InputFile("x", "a.raw"), InputFile("x", "a.raw")], ErrorCode.WRONG_INPUT_NAME),
        ([InputFile("x", "a.raw"), InputFile(None, "a.raw")], ErrorCode.WRONG_INPUT_NAME),
        ([InputFile("x", "a.raw"), InputFile("y", "none.raw")], ErrorCode.TENSOR_FILE_READ),
        ([InputFile("x", "a.raw"), InputFile("y", ".")], ErrorCode.TENSOR_FILE_READ),
        ([InputFile("x", "a.raw"), InputFile("y", "a.raw")], ErrorCode.SIZE_MISMATCH),
    ],
)
def test_inputs_that_do_not_fit_are_refused_with_the_vendors_code(tmp_path, line, code):
    (tmp_path / "a.raw").write_bytes(bytes(8))
    error = refused(resolve, [line], {"x": 8, "y": 4}, tmp_path)
    assert error.code is code
    assert error.message.startswith("inference 0")
