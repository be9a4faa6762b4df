"""What every tool does before and after its work."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.tools import command

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _fails(argv: Sequence[str]) -> None:
    raise ToolError(ErrorCode.UNKNOWN, "no", "Test")


def _breaks(argv: Sequence[str]) -> None:
    raise ZeroDivisionError


def test_signals_are_the_callers_again_when_the_work_is_done_however_it_ended() -> None:
    before = [signal.getsignal(number) for number in ENDING]
    assert command.run(lambda argv: None, []) == 0
    assert command.run(_fails, []) == 1
    with pytest.raises(ZeroDivisionError):
        command.run(_breaks, [])
    assert [signal.getsignal(number) for number in ENDING] == before
