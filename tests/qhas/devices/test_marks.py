"""Marks around an answer: whatever a device prints unprompted is cut away."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.devices.marks import Marks


def test_only_the_marks_of_this_command_count(tmp_path: Path) -> None:
    mine, other, output = Marks(), Marks(), tmp_path / "output"
    line = mine.around("X")
    begin, end = (line.split("echo ")[at].split(";")[0] for at in (2, 3))
    theirs = other.around("X").split("echo ")[2].split(";")[0]
    output.write_bytes(f"motd\n{theirs}\n{begin}\r\nbody{end}\r\nbye\n".encode())
    assert mine.cut(output).whole
    assert output.read_bytes() == b"body"


@pytest.mark.parametrize("content", [b"", b"motd only\n", b"x" * 3_000_000])
def test_without_marks_nothing_is_taken_away_and_nothing_counts_as_whole(
    tmp_path: Path, content: bytes
) -> None:
    output = tmp_path / "output"
    output.write_bytes(content)
    assert not Marks().cut(output).whole
    assert output.read_bytes() == content
