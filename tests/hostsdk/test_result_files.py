"""Output files: named after tensors, and never outside their own result."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostsdk.result_files import result_file


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
    assert result_file(0, tensor) == PurePosixPath(path)


@given(st.text())
def test_no_name_leads_out_of_the_result(tensor):
    path = result_file(7, tensor)
    assert path.parts[0] == "Result_7"
    assert len(path.parts) >= 2
    assert ".." not in path.parts
    assert "\0" not in str(path)
