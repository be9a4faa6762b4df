"""A file that is written piece by piece appears atomically."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.machine.packing import arriving, gzipped, gzipped_bytes, write_renamed


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "net.dlc"
    with arriving(target) as partial:
        partial.write_text("half")
        assert not target.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["net.dlc"]


def test_what_fails_leaves_nothing_and_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "net.dlc"
    target.write_text("old")

    def fail() -> None:
        with arriving(target) as partial:
            partial.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("net.dlc", "old")]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    with arriving(tmp_path / "net.dlc") as one, arriving(tmp_path / "net.dlc") as other:
        one.write_text("one")
        other.write_text("other")
    assert (tmp_path / "net.dlc").read_text() == "one"


@pytest.mark.parametrize("name", ["x" * 255, "\xe9" * 127, "\U0001f600" * 63])
def test_a_file_may_have_the_longest_name_there_is(name: str, tmp_path: Path) -> None:
    with arriving(tmp_path / name) as partial:
        partial.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_is_written_in_the_place_of_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    target.write_text("old")
    write_renamed(target, b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("config.json", "new")]


@pytest.mark.parametrize("content", [b"", b"1", b"cycles," * 300_000], ids=["empty", "a byte", "2 MB"])
def test_what_is_packed_in_memory_has_the_bytes_of_what_is_packed_in_a_file(
    content: bytes, tmp_path: Path
) -> None:
    (plain := tmp_path / "log").write_bytes(content)
    assert gzipped_bytes(content) == gzipped(plain, tmp_path / "log.gz").read_bytes()
