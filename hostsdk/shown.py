"""What the tools print: names of networks and texts of libraries appear as text that no terminal obeys."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # controls except tab and newline, and other line ends
    "\u061c\u200e\u200f\u202a-\u202e"  # text direction
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"  # invisible
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # surrogates, and noncharacters
    "|(?<![^\x00-\x7f])[\u200c\u200d\ufe00-\ufe0f]"
)


class _Shown(io.TextIOBase):
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        self._stream.write(_OBEYED.sub("?", text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextmanager
def printed_as_text() -> Iterator[None]:
    """Print everything inside the block as text: no cursor moves, no title changes, no direction is reversed."""
    with redirect_stdout(_shown(sys.stdout)), redirect_stderr(_shown(sys.stderr)):
        yield


def flush() -> None:
    """Flush both outputs, either of which a process may lack."""
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.flush()


def _shown(stream: TextIO | None) -> _Shown | None:
    return _Shown(stream) if stream else None
