"""Marks of our own around what a device's command prints.

Profiles, banners and messages of the day speak before a command on the same streams, and some after it. Every command
has other marks, so that nothing a device printed earlier is taken for one.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import NamedTuple

_GREETING_BYTES = 1 << 20
"""As much as a device may say before a command, and after it."""
_BLOCK_BYTES = 1 << 20


class Cut(NamedTuple):
    """What cutting a file at its marks showed."""

    whole: bool
    """Whether both marks were there."""
    after: bytes
    """What came behind the last mark."""


class Marks:
    """The marks of one command: on each stream one before it, and one after it, on standard error with the exit code."""

    def __init__(self) -> None:
        word = f"__qhas-{secrets.token_hex(8)}"
        self._begin, self._end, self._exit = (f"{word}-{part}" for part in ("begin", "end", "exit"))
        self._ended = re.compile(rb"\r?\n?" + self._exit.encode() + rb"=(\d{1,3})\r?(?:\n|\Z)")

    def around(self, line: str) -> str:
        """The command line that prints the marks too. Where both streams are one, standard output's are the inner ones."""
        begin = f"echo {self._begin} >&2; echo {self._begin}"
        return f"{begin}; {line}; __qhas=$?; echo {self._end}; echo {self._exit}=$__qhas >&2"

    def exit_code(self, text: bytes) -> int | None:
        """The command's exit code, from standard error; None if the command did not come to its end."""
        ended = self._ended.search(text)
        return int(ended[1]) if ended else None

    def errors(self, text: bytes) -> str:
        """What the command itself said on standard error, as far as the marks came."""
        own = text.rpartition(self._begin.encode())[2]
        if ended := self._ended.search(own):
            own = own[: ended.start()]
        return own.replace(b"\r\n", b"\n").decode(errors="replace").strip()

    def cut(self, output: Path) -> Cut:
        """Leave in a file what stands between the marks, to the byte; without a mark, all on that side of it."""
        with output.open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(0)
            head = file.read(_GREETING_BYTES)
            begins = list(re.finditer(self._begin.encode() + rb"\r?\n", head))
            first = begins[-1].end() if begins else 0
            tail_at = max(first, size - _GREETING_BYTES)
            file.seek(tail_at)
            tail = file.read()
            end = tail.rfind(self._end.encode())
            last = tail_at + end if end >= 0 else size
            _move_to_front(output, first, last)
        return Cut(bool(begins) and end >= 0, tail[end:] if end >= 0 else b"")


def _move_to_front(path: Path, first: int, last: int) -> None:
    with path.open("r+b") as file:
        done = 0 if first else last
        while done < last - first:
            file.seek(first + done)
            block = file.read(min(_BLOCK_BYTES, last - first - done))
            file.seek(done)
            file.write(block)
            done += len(block)
        file.truncate(done)
