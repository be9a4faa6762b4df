"""The record of every call, so that tests can see what ran, in which order and at the same time as what."""

import json
import os
import time
from typing import Any

FILE_NAME = "calls.jsonl"


class Journal:
    """Two lines in `calls.jsonl` per call: one when it starts, one when it terminates by itself.

    A call that is killed from outside has no second line. Times are seconds since the epoch.
    """

    def __init__(self, root: str) -> None:
        self._path = os.path.join(root, FILE_NAME)  # noqa: PTH118
        self._call = f"{os.getpid()}-{time.monotonic_ns()}"

    def started(self, tool: str, argv: list[str]) -> None:
        """Record the start of this process's call."""
        self._append(tool=tool, argv=argv, cwd=os.getcwd(), pid=os.getpid(), start=time.time())  # noqa: PTH109

    def ended(self, exit_code: int, fault: str | None) -> None:
        """Record the end; a death by signal N that the fake plans for itself is exit code -N."""
        self._append(end=time.time(), exit=exit_code, fault=fault)

    def _append(self, **fields: Any) -> None:
        line = json.dumps({"call": self._call, **fields}) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
