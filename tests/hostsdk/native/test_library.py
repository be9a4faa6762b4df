"""The binding refuses libraries that it was not written for, and says so."""

import ctypes

import pytest

from hostsdk import wheel
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.generations import LAYOUTS
from hostsdk.native import library, structs


def refusal(directory) -> ToolError:
    with pytest.raises(ToolError) as caught:
        library.load(directory, LAYOUTS[0])
    return caught.value


def test_structures_have_the_sizes_the_libraries_use():
    assert {struct: ctypes.sizeof(struct) for struct in structs.SIZES} == structs.SIZES


def test_a_file_that_is_no_library_is_refused(tmp_path):
    (tmp_path / "libQnnHtp.so").write_bytes(b"not a library")
    error = refusal(tmp_path)
    assert error.code is ErrorCode.RUNTIME_UNAVAILABLE
    assert "pip install" in error.message


@pytest.mark.hostsdk
@pytest.mark.parametrize("api", ["_CORE_MAJOR", "_SYSTEM_MAJOR"])
def test_another_major_api_version_is_refused_by_name(monkeypatch, api):
    monkeypatch.setattr(library, api, 9)
    error = refusal(wheel.find().directory)
    assert error.code is ErrorCode.RUNTIME_UNAVAILABLE
    assert "9.x" in error.message
