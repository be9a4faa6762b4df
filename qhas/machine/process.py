"""Running one tool: in its own directory and process group, with a time limit, and with all its output kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field, computed_field

from qhas.documents import Moment, Stored
from qhas.machine.cancellation import outlast
from qhas.machine.secrets import holds_secret
from qhas.machine.tether import tethered

GRACE_SECONDS = 2.0
"""Time between SIGTERM and SIGKILL for a tool to terminate its children."""

_FULL_BYTES = 1 << 20
"""A disk with less free space counts as full: what did not fit may have been removed again, and other cells may have
freed some in the meantime."""


class ToolRun(Stored):
    """The result of a finished tool. Times are UTC; durations are host seconds, never a latency."""

    argv: list[str]
    started_at: Moment
    seconds: float
    exit_code: int
    timed_out: bool = False
    disk_full: bool = Field(
        default=False, description="Its directory's disk had no MB or no file left when it ended."
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def killed_by(self) -> str | None:
        """The name of the signal that killed the tool, from a negative exit code or a shell's 128 + n."""
        number = -self.exit_code if self.exit_code < 0 else self.exit_code - 128
        with contextlib.suppress(ValueError):
            return signal.Signals(number).name
        return None


class ToolNotExecutable(Exception):
    """The program is missing or cannot be executed."""


def tool_environment(additions: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a vendor tool: ours without credentials, plus the additions."""
    inherited = {name: value for name, value in environ.items() if not holds_secret(name, value)}
    return inherited | dict(additions)


async def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    timeout_seconds: float,
    errors: Path | None = None,
    stdin: Path | Literal["held"] | None = None,
) -> ToolRun:
    """Run a program to its end with standard output and error in `output`, or with error separately in `errors`.

    Standard input is empty, a file, or "held": open as long as this process lives, so that the program can notice its
    end. When the time limit passes or the caller is cancelled, the whole process group is terminated before this
    returns; a caller that is cancelled again does not wait for the tool to clean up. The tool also ends with this
    process, however that ends. Raises ToolNotExecutable, and OSError for a directory or output file that cannot be
    used; a failing program is not an exception here.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    with ExitStack() as files:
        sink = files.enter_context(output.open("wb"))
        try:
            process = await _started(
                asyncio.create_subprocess_exec(
                    *argv,
                    cwd=cwd,
                    env=dict(env),
                    stdin=_standard_input(stdin, files),
                    stdout=sink,
                    stderr=files.enter_context(errors.open("wb")) if errors else asyncio.subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        except OSError as error:
            if str(error.filename) == str(cwd):
                raise
            raise ToolNotExecutable(f"{argv[0]} cannot be executed: {error.strerror or error}") from error
    timed_out = False
    with ExitStack() as until_ended:
        try:
            until_ended.enter_context(tethered(process.pid))
            await asyncio.wait_for(process.wait(), timeout_seconds)
        except TimeoutError:
            timed_out = True
        finally:
            await _end_group(process)
    return ToolRun(
        argv=list(argv),
        started_at=started_at,
        seconds=round(time.monotonic() - clock, 3),
        exit_code=process.returncode if process.returncode is not None else -signal.SIGKILL,
        timed_out=timed_out,
        disk_full=_is_full(cwd),
    )


async def _started(creation: Coroutine[Any, Any, Process]) -> Process:
    """Await the start of a process. If cancelled, terminate its group first: asyncio would kill the process alone."""
    starting = asyncio.ensure_future(creation)
    if cancelled := await outlast(starting):
        with contextlib.suppress(OSError):
            process = starting.result()
            with ExitStack() as until_ended:
                try:
                    until_ended.enter_context(tethered(process.pid))
                finally:
                    await _end_group(process)
        raise cancelled
    return starting.result()


def _is_full(folder: Path) -> bool:
    try:
        facts = os.statvfs(folder)
    except OSError:
        return False
    no_file = facts.f_files > 0 and facts.f_favail == 0  # some file systems do not count files
    return no_file or facts.f_bavail * facts.f_frsize < _FULL_BYTES


def _standard_input(source: Path | Literal["held"] | None, files: ExitStack) -> IO[bytes] | int:
    if source == "held":
        return asyncio.subprocess.PIPE
    return files.enter_context(source.open("rb")) if source else asyncio.subprocess.DEVNULL


async def _end_group(process: Process) -> None:
    """Terminate the rest of the group, including children that outlive a finished tool, even if cancelled."""
    try:
        if process.returncode is None:
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
