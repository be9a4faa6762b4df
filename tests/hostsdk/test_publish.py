"""Publishing takes one step, replaces what was there, and never leaves scratch behind."""

import pytest

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.publish import publish, scratch_in


def test_a_file_replaces_a_file(tmp_path):
    (tmp_path / "new").write_text("new")
    (tmp_path / "target").write_text("old")
    publish(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    assert (tmp_path / "target").read_text() == "new"


def test_a_published_file_has_the_mode_that_any_new_file_would_have(tmp_path):
    (tmp_path / "made").write_text("x")
    (tmp_path / "made").chmod(0o640)
    (tmp_path / "new").write_text("x")
    publish(tmp_path / "made", tmp_path / "target")
    assert (tmp_path / "target").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_directory_replaces_a_directory_whole(tmp_path):
    for name in ("new", "target"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    publish(tmp_path / "new", tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_scratch_is_gone_after_an_error(tmp_path):
    def fail() -> None:
        with scratch_in(tmp_path) as scratch:
            (scratch / "file").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ToolError) as caught, scratch_in(tmp_path / "none"):
        pass
    assert caught.value.code is ErrorCode.OUTPUT_WRITE
