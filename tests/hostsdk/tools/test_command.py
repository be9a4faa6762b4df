"""What every tool does around its work."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.tools import command

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _fails(argv: Sequence[str]) -> None:
    raise ToolError(ErrorCode.UNKNOWN, "no", "Test")


def test_signals_are_the_callers_again_when_the_work_is_done_or_has_failed() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    assert command.run(lambda argv: None, []) == 0
    assert command.run(_fails, []) == 1
    assert [signal.getsignal(number) for number in ENDING] == before
