"""The last words of a tool: its last error or, failing that, its last line."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.machine.tool_output import last_words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "the tool said nothing"),
        (b"one\n\n  two.  \n\n", "two"),
        (
            b"error_code=101; error_message=no such input; error_component=x; line_no=3\nEnded.\n",
            "no such input",
        ),
        (b"error_code=1; error_message=first; a\nerror_code=2; error_message=second.; b\n", "second"),
        (b"\x1b[31mred\x1b[0m\n", "red"),
        (b"\xff\n", "\ufffd"),
        (b"AWS_SECRET_ACCESS_KEY=hunter22 is refused\n", "AWS_SECRET_ACCESS_KEY=... is refused"),
        (
            b"error_code=9; error_message=no licence at https://me:hunter22@host/; a\n",
            "no licence at https://...@host/",
        ),
    ],
)
def test_the_last_error_is_told_else_the_last_line(tmp_path: Path, said: bytes, words: str) -> None:
    (tmp_path / "output").write_bytes(said)
    assert last_words(tmp_path / "output") == words


def test_of_a_large_output_the_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"noise\n" * 1_000_000 + b"the end\n")
    assert last_words(tmp_path / "output") == "the end"
