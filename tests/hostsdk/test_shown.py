"""The tools print plain text, whatever a network's names contain."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence

import pytest

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.shown import printed_as_text
from hostsdk.tools.command import run
from hostsdk.viewer.command import main as view
from qhas.outside_text import shown

EVIL = "conv\x1b]0;owned\x07\x1b[2J\u202e\x9b1m"
SEEN = "conv?]0;owned??[2J??1m"


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the signal handlers: a tool replaces those of its process, which here is the test process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_names_that_a_tool_prints_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    def work(_: Sequence[str]) -> None:
        print(f"graph {EVIL}\tready")
        print(EVIL, file=sys.stderr)

    assert run(work, []) == 0
    out, err = capsys.readouterr()
    assert out == f"graph {SEEN}\tready\n"
    assert err == f"{SEEN}\n"


def test_the_error_of_a_tool_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    def work(_: Sequence[str]) -> None:
        raise ToolError(ErrorCode.WRONG_INPUT_NAME, f"there is no {EVIL}.", "Input")

    assert run(work, []) == 1
    err = capsys.readouterr().err
    assert f"error_message=there is no {SEEN.replace(';', ',')}.;" in err
    assert err.count("\n") == 1


def test_the_viewer_says_what_it_refuses_as_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert view(["--input_log", EVIL]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_the_tools_take_for_text_what_the_library_does(capsys: pytest.CaptureFixture[str]) -> None:
    every = "".join(f"é{chr(code)}" for code in range(0xA0, 0x110000) if code & 0xFFFF < 0xFFFE)
    with printed_as_text():
        print(every)
    assert capsys.readouterr().out.replace("?", "\ufffd") == shown(every) + "\n"
