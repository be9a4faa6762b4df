"""Our own marks around a command's output on a device.

Profiles, banners and messages of the day print to the same streams before a command, and sometimes after it. Every
command has different marks, so nothing a device printed earlier can be mistaken for one.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import NamedTuple

_GREETING_BYTES = 1 << 20
"""The most a device may print before a command, and after it."""
_BLOCK_BYTES = 1 << 20


class Cut(NamedTuple):
    """The result of cutting a file at its marks."""

    whole: bool
    """Whether both marks were present."""
    after: bytes
    """What followed the last mark."""


class Marks:
    """The marks of one command: one before and one after it on each stream; stderr's last has the exit code."""

    def __init__(self) -> None:
        word = f"__qhas-{secrets.token_hex(8)}"
        self._begin, self._end, self._exit = (f"{word}-{part}" for part in ("begin", "end", "exit"))
        self._ended = re.compile(rb"\r?\n?" + self._exit.encode() + rb"=(\d{1,3})\r?(?:\n|\Z)")

    def around(self, line: str) -> str:
        """Return a command line that also prints the marks. If the streams are merged, stdout's are the inner ones."""
        begin = f"echo {self._begin} >&2; echo {self._begin}"
        return f"{begin}; {line}; __qhas=$?; echo {self._end}; echo {self._exit}=$__qhas >&2"

    def exit_code(self, text: bytes) -> int | None:
        """Return the command's exit code from standard error; None if the command did not finish."""
        ended = self._ended.search(text)
        return int(ended[1]) if ended else None

    def errors(self, text: bytes) -> str:
        """Return what the command itself printed on standard error, as far as the marks arrived."""
        own = text.rpartition(self._begin.encode())[2]
        if ended := self._ended.search(own):
            own = own[: ended.start()]
        return own.replace(b"\r\n", b"\n").decode(errors="replace").strip()

    def cut(self, output: Path) -> Cut:
        """Reduce a file to the exact bytes between the marks; if a mark is missing, keep everything on its side."""
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
