"""Reading a file or unpacking bytes ends at a limit, whatever they contain."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from qhas.outside_bytes import Unbounded, read_file, shown_limit, unpack


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    assert read_file(tmp_path / "file", 4) == b"1234"


def test_a_file_over_the_limit_is_refused_with_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    with pytest.raises(Unbounded, match="it is over 4 bytes"):
        read_file(tmp_path / "file", 4)


def test_what_never_ends_is_refused() -> None:
    with pytest.raises(Unbounded, match="not a regular file"):
        read_file(Path("/dev/zero"), 4)


def test_a_pipe_that_nobody_writes_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unbounded, match="not a regular file"):
        read_file(tmp_path / "pipe", 4)


def test_a_link_to_what_never_ends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(Unbounded, match="not a regular file"):
        read_file(tmp_path / "link", 4)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unbounded, match="not a regular file"):
        read_file(tmp_path, 4)


def test_packed_bytes_are_unpacked_up_to_the_limit() -> None:
    assert unpack(gzip.compress(b"1234"), 4) == b"1234"


@pytest.mark.parametrize("members", [1, 40])
def test_packed_bytes_that_grow_over_the_limit_are_refused(members: int) -> None:
    bomb = gzip.compress(bytes(100_000)) * members
    with pytest.raises(Unbounded, match=r"unpacks to over 64 kB"):
        unpack(bomb, 1 << 16)


@pytest.mark.parametrize("place", [5, 12, 14, -3])
def test_damaged_packed_bytes_end_in_no_other_error(place: int) -> None:
    packed = bytearray(gzip.compress(b"some text" * 9))
    for cut in (bytes(packed[:place]), bytes(packed[:10]) + b"\xff" * 30):
        with pytest.raises((EOFError, OSError)):
            unpack(cut, 1000)


@pytest.mark.parametrize(("size", "words"), [(7, "7 bytes"), (1 << 16, "64 kB"), (3 << 29, "1.5 GB")])
def test_limits_are_told_in_round_units(size: int, words: str) -> None:
    assert shown_limit(size) == words


def test_a_file_that_has_nothing_yet_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `/proc/kmsg` is for a reader that does not wait."""
    (tmp_path / "log").write_bytes(b"")
    monkeypatch.setattr("qhas.outside_bytes.os.fdopen", lambda *_: _Silent(str(tmp_path / "log")))
    assert read_file(tmp_path / "log", 4) == b""


class _Silent(io.FileIO):
    def read(self, _size: int | None = -1, /) -> bytes | None:  # type: ignore[override]
        return None
