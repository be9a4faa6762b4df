"""The runtime's messages to its user: USER_ lines on stdout, and these with the library's log in --userlogs' file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from hostsdk.errors import ErrorCode, ToolError

LEVELS = {"fatal": 1, "error": 1, "warn": 2, "info": 3, "verbose": 4}
"""--userlogs' levels as the library's own."""
_NAMES = {1: "ERROR", 2: "WARN", 3: "INFO", 4: "VERBOSE"}
_QUIET = 1
_DEFAULT_NAME = "snpe-net-run.log"


@dataclass(frozen=True)
class UserLogChoice:
    """The choice of --userlogs: the most verbose level to log, and a file, or a directory for our own file."""

    level: int
    path: Path


class UserLog:
    """A context manager; the file is open inside its block."""

    def __init__(self, choice: UserLogChoice | None) -> None:
        self._choice = choice
        self._file: TextIO | None = None

    @property
    def level(self) -> int:
        """The level to request from the library."""
        return self._choice.level if self._choice else _QUIET

    def write(self, tag: str, text: str) -> None:
        """Print a line under `tag`, as in USER_INFO:HTP_CACHE, and write it to the file."""
        line = f"[{tag}] {text}"
        print(line, flush=True)
        self._keep(line)

    def listen(self, progress: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        """Return a job's listener: log messages go to the file, notices are printed, others go to `progress`."""

        def hear(message: dict[str, Any]) -> None:
            if message["kind"] == "log":
                self._keep(f"[{_NAMES[message['level']]}] {message['text']}")
            elif message["kind"] == "notice":
                self.write("USER_WARN", message["text"])
            else:
                progress(message)

        return hear

    def __enter__(self) -> Self:
        if self._choice:
            path = self._choice.path
            target = path / _DEFAULT_NAME if path.is_dir() else path
            try:
                self._file = target.open("w", encoding="utf-8")
            except OSError as error:
                raise ToolError(
                    ErrorCode.OUTPUT_WRITE,
                    f"--userlogs: {target} cannot be written ({error.strerror}).",
                    "Log",
                ) from error
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def _keep(self, line: str) -> None:
        if self._file:
            self._file.write(f"{line}\n")
