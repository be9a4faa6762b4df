"""The child's side of a job: it sends JSON messages back over a pipe, and dies with its parent."""

from __future__ import annotations

import ctypes
import json
import os
import signal
from collections.abc import Callable
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.library import QnnError
from hostsdk.native.session import LogLevel

_PR_SET_PDEATHSIG = 1


class Reply:
    """Messages to the parent: progress while the job runs, then exactly one result or refusal."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8")

    def log(self, level: LogLevel, text: str) -> None:
        """Send a line of the library's own log."""
        self._send(kind="log", level=int(level), text=text)

    def notice(self, text: str) -> None:
        """Send something the user should know about the result."""
        self._send(kind="notice", text=text)

    def progress(self, **fields: Any) -> None:
        """Send something the parent may show the user now."""
        self._send(kind="progress", **fields)

    def result(self, **fields: Any) -> None:
        """Report that the job is done."""
        self._send(kind="result", **fields)

    def refusal(self, code: int, message: str, component: str) -> None:
        """Report that the job cannot be done."""
        self._send(kind="refusal", code=code, message=message, component=component)

    def _send(self, **message: Any) -> None:
        self._stream.write(json.dumps(message) + "\n")
        self._stream.flush()


def serve(
    work: Callable[[dict[str, Any], Reply], None], request: dict[str, Any], replies: int, parent: int
) -> None:
    """Run `work` on the request; `replies` is the pipe's descriptor, `parent` the process to die with.

    `work` sends the result itself. A `ToolError` or `QnnError` becomes a refusal; anything else is a bug, which the
    parent reports as a crash.
    """
    reply = Reply(replies)
    _die_with(parent)
    try:
        work(request, reply)
    except ToolError as error:
        reply.refusal(int(error.code), error.message, error.component)
    except QnnError as error:
        reply.refusal(int(ErrorCode.UNKNOWN), f"the HTP library failed: {error}.", "QNN")


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent terminates, however that happens."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
