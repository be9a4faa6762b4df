"""A process of the host SDK that stays warm: a trial costs its compilation and little else.

A crash costs one trial.
"""

from __future__ import annotations

import json
import select
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from qhas.failures import InvalidInput
from qhas.machine.tether import release, tether
from qhas.outside_text import shown
from qhas.site.sdk import Sdk, Tool

TIMEOUT_SECONDS = 600.0
_LONGEST_ANSWER = 64 << 20
_MOST_ANSWERS = 200
"""Answers after which a new process takes over.

The libraries of 2.51 keep 65 kB of each compilation, and starting a process costs less than two compilations.
"""
_BLOCK = 1 << 16


class TrialRefused(Exception):
    """The reason why there is no estimate, as a sentence."""


class Worker:
    """One process, started at the first request, answering one at a time. Its own files are in `folder`."""

    def __init__(self, sdk: Sdk, folder: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._sdk = sdk
        self._folder = folder
        self._timeout = timeout_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = 0

    def ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the graphs of the answer.

        Raises TrialRefused with the host SDK's own words, or with how the process ended.
        """
        process = self._running()
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process)
        except BrokenPipeError:
            line = b""
        except BaseException:
            self.end()
            raise
        if not line.endswith(b"\n"):
            raise TrialRefused(self._how_it_ended(process))
        self._answers += 1
        answer: dict[str, Any] = json.loads(line)
        if "refusal" in answer:
            raise TrialRefused(shown(str(answer["refusal"])))
        graphs: list[dict[str, Any]] = answer["graphs"]
        return graphs

    def end(self) -> None:
        """Kill the process, whatever it is doing."""
        if process := self._process:
            process.kill()
            process.wait()
            release(process.pid)
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with suppress(BrokenPipeError):
                        pipe.close()
        self._process = None
        self._answers = 0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._answers >= _MOST_ANSWERS:
            self.end()
        if self._process is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            program = self._sdk.tool(Tool.ESTIMATE)
            try:
                with self._log.open("wb") as log:
                    self._process = subprocess.Popen(
                        [str(program)],
                        cwd=self._folder,
                        env=self._sdk.environment({"TMPDIR": str(self._folder)}),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        stderr=log,
                        start_new_session=True,  # this process decides whether to pass an interrupt on
                    )
            except OSError as error:
                raise InvalidInput(f"{program} cannot be executed: {error.strerror or error}.") from error
            tether(self._process.pid)
        return self._process

    @property
    def _log(self) -> Path:
        return self._folder / "worker.txt"

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        """Read the answer's line, which is incomplete if the process ended, timed out or wrote too much."""
        assert process.stdout is not None
        deadline, parts, size = time.monotonic() + self._timeout, list[bytes](), 0
        while size <= _LONGEST_ANSWER:
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            block = process.stdout.read1(_BLOCK) if ready else b""  # type: ignore[attr-defined]
            if not block:
                break
            parts.append(block)
            size += len(block)
            if block.endswith(b"\n"):
                break
        return b"".join(parts)

    def _how_it_ended(self, process: subprocess.Popen[bytes]) -> str:
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
        code = process.returncode
        lines = self._log.read_text("utf-8", "replace").splitlines()
        last = next((shown(line.strip()) for line in reversed(lines) if line.strip()), "nothing")
        self.end()
        if code is None:
            return f"the compiler gave no answer within {self._timeout:g} s and was stopped."
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"the compiler ended with {how}; its last output: {last[-400:]}"
