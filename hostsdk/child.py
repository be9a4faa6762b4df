"""The tools' side of a job: native code runs in a child, so its crash is one line here and not ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from hostsdk.errors import ErrorCode, ToolError

_TAIL_LINES = 3

Listener = Callable[[dict[str, Any]], None]


def run_job(
    job: str, request: dict[str, Any], directory: Path, listen: Listener = lambda _: None
) -> dict[str, Any]:
    """Run `hostsdk.native.<job>` in `directory` and return its result message.

    `listen` gets every other message (kinds "progress" and "log") as it arrives. What the libraries print goes to
    `directory/native.log`. Raises `ToolError`: the job's own refusal, or RUNTIME_CRASHED naming how the child ended.
    The child is dead when this returns or raises.
    """
    reading, writing = os.pipe()
    printed = directory / "native.log"
    with (
        os.fdopen(reading, encoding="utf-8") as replies,
        printed.open("wb") as output,
        tempfile.TemporaryFile("w+", encoding="utf-8", dir=directory) as asked,
    ):
        try:
            json.dump(request, asked)
            asked.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", f"hostsdk.native.{job}", str(writing), str(os.getpid())],
                stdin=asked,
                stdout=output,
                stderr=output,
                cwd=directory,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        try:
            final = _converse(child, replies, listen)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
    if final is None:
        raise _crashed(job, child.returncode, printed)
    if final["kind"] == "refusal":
        raise ToolError(ErrorCode(final["code"]), final["message"], final["component"])
    return final


def _converse(child: subprocess.Popen[bytes], replies: TextIO, listen: Listener) -> dict[str, Any] | None:
    """Pass messages on, and return the closing one; None when the child ended without."""
    for line in replies:
        if not line.endswith("\n"):
            break  # the child died while writing it
        message: dict[str, Any] = json.loads(line)
        if message["kind"] in ("result", "refusal"):
            child.wait()
            return message if child.returncode == 0 else None
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
