"""The tools' side of a job: native code runs in a child, so that its crash is one error line and not the tool's own.

The child is a fork of the tool, which has one thread and has imported most of what a job needs: a new interpreter would
first take 0.05 s to get that far, a tenth of the time for preparing a small network.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from hostsdk.ending import ENDING
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.shown import flush

_TAIL_LINES = 3

Listener = Callable[[dict[str, Any]], None]


def run_job(
    job: str, request: dict[str, Any], directory: Path, listen: Listener = lambda _: None
) -> dict[str, Any]:
    """Run `hostsdk.native.<job>` in `directory` and return its result message.

    `listen` gets every other message (kinds "progress", "log" and "notice") as it arrives. What the libraries print
    goes to `directory/native.log`. Raises `ToolError`: the job's own refusal, or RUNTIME_CRASHED naming how the child
    ended. The child is dead when this returns or raises.
    """
    _take_standard_descriptors()
    printed = directory / "native.log"
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as replies, printed.open("wb") as output:
        try:
            child = _Child(job, request, directory, output, writing)
        finally:
            os.close(writing)
        try:
            final = _converse(child, replies, listen)
        finally:
            child.end()
    if final is None:
        raise _crashed(job, child.wait(), printed)
    if final["kind"] == "refusal":
        raise ToolError(ErrorCode(final["code"]), final["message"], final["component"])
    return final


class _Child:
    """A copy of this process that does one job and nothing after it."""

    def __init__(
        self, job: str, request: dict[str, Any], directory: Path, output: BinaryIO, replies: int
    ) -> None:
        parent = os.getpid()
        flush()  # or the child would print it too
        self._returncode: int | None = None
        mask = signal.pthread_sigmask(
            signal.SIG_BLOCK, ENDING
        )  # signals from here on must not reach the tool's handlers in the child
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:  # the tool must not continue in the child, whatever fails
                _become_quiet(directory, output, mask)
                done = _done(job, request, replies, parent)
                flush()
                code = done
            finally:
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def wait(self) -> int:
        """Wait for its end, and return its exit code, or the negated number of a signal."""
        if self._returncode is None:
            self._returncode = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._returncode

    def end(self) -> None:
        """Kill it, if it has not ended."""
        if self._returncode is None:
            os.kill(self._pid, signal.SIGKILL)
            self.wait()


def _take_standard_descriptors() -> None:
    """Open any standard descriptors that the tool was started without, or the job's own pipe would become one."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)


def _become_quiet(directory: Path, output: BinaryIO, mask: Iterable[int]) -> None:
    """Detach from what is the tool's: its signal handlers, its directory, its input and outputs."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.chdir(directory)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)


def _done(job: str, request: dict[str, Any], replies: int, parent: int) -> int:
    """Do the job and return its exit code."""
    try:
        from hostsdk.native.job import serve

        module = importlib.import_module(f"hostsdk.native.{job}")
        serve(getattr(module, job), request, replies, parent)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _converse(child: _Child, replies: TextIO, listen: Listener) -> dict[str, Any] | None:
    """Pass messages on, and return the closing one; None when the child ended without one."""
    for line in replies:
        if not line.endswith("\n"):
            break  # the child died while writing it
        message: dict[str, Any] = json.loads(line)
        if message["kind"] in ("result", "refusal"):
            return message if child.wait() == 0 else None
        listen(message)
    child.wait()
    return None


def _crashed(job: str, returncode: int, printed: Path) -> ToolError:
    how = f"exit code {returncode}"
    if returncode < 0:
        how = f"signal {-returncode} ({signal.Signals(-returncode).name})"
    lines = printed.read_text("utf-8", "replace").splitlines() if printed.is_file() else []
    tail = " | ".join([line.strip() for line in lines if line.strip()][-_TAIL_LINES:])
    return ToolError(
        ErrorCode.RUNTIME_CRASHED,
        f"the native {job} process ended with {how} and no answer; its last output: {tail or 'none'}.",
        "HTP Runtime",
    )
