"""What every tool does around its work: report errors as one line, and leave nothing behind after a signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from hostsdk.ending import ENDING
from hostsdk.errors import ToolError
from hostsdk.shown import flush, printed_as_text


class _Ended(BaseException):
    """A signal asked the tool to end; unwinding kills the child and removes scratch directories."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(work: Callable[[Sequence[str]], None], argv: Sequence[str]) -> int:
    """Run a tool's work: return 0, or 1 after an error line on stderr; a signal ends the process as it does by default.

    The caller's signal handlers are restored when the work is done.
    """
    before = {number: signal.signal(number, _end) for number in ENDING}
    try:
        with printed_as_text():
            return _worked(work, argv)
    except _Ended as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: a handler that was not installed by Python
                signal.signal(number, handler)
    return 1


def _worked(work: Callable[[Sequence[str]], None], argv: Sequence[str]) -> int:
    try:
        work(argv)
    except ToolError as error:
        flush()
        print(error.line(), file=sys.stderr)
        return 1
    flush()
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    for other in ENDING:
        signal.signal(other, signal.SIG_IGN)
    raise _Ended(number)
