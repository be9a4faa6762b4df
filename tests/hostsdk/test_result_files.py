"""Output files are named after tensors, and never written outside their own result."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostsdk.result_files import result_files


@pytest.mark.parametrize(
    ("tensor", "path"),
    [
        ("prob_1", "Result_0/prob_1.raw"),
        ("Reshape_1:0", "Result_0/Reshape_1:0.raw"),
        ("gpu_0/softmax_1", "Result_0/gpu_0/softmax_1.raw"),
        ("/model/head/out", "Result_0/model/head/out.raw"),
        ("../../etc/passwd", "Result_0/_/_/etc/passwd.raw"),
    ],
)
def test_a_slash_makes_a_folder(tensor, path):
    assert result_files(0, [tensor]) == {tensor: PurePosixPath(path)}


@given(st.text())
def test_no_name_leads_out_of_the_result(tensor):
    (path,) = result_files(7, [tensor]).values()
    assert path.parts[0] == "Result_7"
    assert len(path.parts) >= 2
    assert ".." not in path.parts
    assert str(path).isprintable() or not set(str(path)) & set("\0\n\r\x1b\x7f\u2028")
    assert all(len(part.encode()) <= 255 for part in path.parts)


@pytest.mark.parametrize(
    "tensors",
    [
        ["a", "/a", "a/"],
        ["_", "..", ".", ""],
        ["a\0b", "a_b", "a\nb"],
        ["a", "a.raw/b", "a.raw/b/c"],
        ["a.raw/b", "a"],
        ["_-2", "_", ".."],
        ["x" * 300, "x" * 301],
        ["d/" * 3000 + "x", "d/" * 3001 + "x", "x"],
    ],
    ids=ascii,
)
def test_every_tensor_has_a_file_of_its_own(tensors, tmp_path):
    paths = result_files(0, tensors)
    for tensor, path in paths.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(tensor[:10])
    assert len({path for path in tmp_path.rglob("*") if path.is_file()}) == len(tensors)


@given(st.lists(st.text(alphabet="a./_\n\0", max_size=6), unique=True, max_size=6))
def test_no_two_tensors_meet(tensors):
    paths = list(result_files(0, tensors).values())
    assert not any(one == other or one in other.parents for i, one in enumerate(paths) for other in paths[:i])
