"""The way to a device: run a command line in its shell, push a file, pull a file.

A transport (adb, ssh) knows only how its client is called and what its messages mean. What a command prints stands
between marks (marks.py): without the last one the connection was lost, whatever the client's exit code.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
import re
import secrets
import shlex
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import Any, Literal, NamedTuple, TypeVar

from qhas.devices.marks import Marks
from qhas.failures import DeviceFailed, FailureKind
from qhas.machine.digest import file_digest
from qhas.machine.process import ToolNotExecutable, ToolRun, run_tool, tool_environment
from qhas.outside_bytes import shown_limit

T = TypeVar("T")

LARGEST_ANSWER = 16 << 20
"""Bytes of an answer, which is read as a whole: the names and digests of a hundred thousand files."""
_LOOK_SECONDS = 0.1
"""How often the size of an answer is looked at while it arrives."""
_BESIDE_A_FILE = 4 << 20
"""Bytes that may come with a file: what a board says before and after it."""
_BYTES_PER_SECOND = 1 << 20
"""Slower than any link worth using: a transfer that takes longer hangs."""
_BYTES_READ_PER_SECOND = 10 << 20
"""A board's busybox takes a digest this fast at least."""


class ClientSign(NamedTuple):
    """A message of a client, and the kind of failure it settles."""

    pattern: str
    kind: FailureKind


# Texts of the device's own programs and of the client's protocol on both transports.
_SHARED_SIGNS = (
    ClientSign(r"No space left on device|Disk quota exceeded", FailureKind.DEVICE_FULL),
    ClientSign(
        r"Read-only file system|Permission denied|Is a directory|Not a directory", FailureKind.DEVICE_UNFIT
    ),
)


@dataclass(frozen=True)
class Answer:
    """What a command printed, on standard output and on error, and its exit code on the device.

    Devices of one stream have nothing apart.
    """

    text: str
    errors: str
    exit_code: int


class Shell(ABC):
    """The shell of one device. Everything raises DeviceFailed when the device does not answer as it should."""

    signs: Sequence[ClientSign] = ()
    merges_streams = False
    """Whether some devices send standard output and error as one stream."""

    def __init__(self, name: str, scratch: Path, answer_seconds: float) -> None:
        self.name = name
        self._scratch = scratch
        self._answer_seconds = answer_seconds

    @abstractmethod
    def command(self, line: str) -> list[str]:
        """The client's arguments that run a command line on the device."""

    @abstractmethod
    async def _push(self, source: Path, target: str, seconds: float) -> None:
        """Copy to the device within a time."""

    @abstractmethod
    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        """Copy from the device within a time."""

    async def push(self, source: Path, target: str) -> None:
        """Copy a host file to an absolute path on the device, over whatever is there."""
        size = await asyncio.to_thread(os.path.getsize, source)
        await self._push(source, target, self._transfer_seconds(size))

    async def pull(self, source: str, target: Path, size: int) -> None:
        """Copy a file of the device, of the size that it told, to the host, and no more than that."""
        name, free = posixpath.basename(source), await asyncio.to_thread(disk_usage, target.parent)
        if size > free.free:
            raise DeviceFailed(
                FailureKind.DISK,
                f"{self.name} says that {name} has {shown_limit(size)}, and {target.parent} has room for "
                f"{shown_limit(free.free)}.",
            )
        flood = f"{self.name} sends more of {name} than the {shown_limit(size)} that it has by its own word."
        pulling = self._pull(source, target, self._transfer_seconds(size))
        await self._while_short(pulling, [target], size + _BESIDE_A_FILE, flood)

    async def connect(self, comeback_seconds: float = 0.0) -> None:  # noqa: B027  # most need nothing
        """Make the device reachable where that takes more than to ask it; one that is away may come back meanwhile."""

    async def require_answer(self) -> None:
        """Raise DeviceFailed unless the device is there: the quickest question that shows it."""
        await self.connect()
        await self.tell("true")

    async def close(self) -> None:  # noqa: B027  # most leave nothing
        """Leave nothing of this connection behind on the host."""

    async def why_lost(self) -> str:
        """What the client says of the device after a connection ended without a word."""
        return ""

    async def run(self, line: str, *, output: Path, timeout_seconds: float) -> ToolRun:
        """Run a command line; its standard output goes to a host file, its exit code into the result.

        The command's standard input stays open as long as this process lives and waits.
        """
        return (await self._run_marked(line, output, timeout_seconds, "held"))[0]

    async def _run_marked(
        self,
        line: str,
        output: Path,
        seconds: float,
        stdin: Path | Literal["held"] | None,
        *,
        answers: bool = False,
    ) -> tuple[ToolRun, str, bool]:
        """Run a line between marks; its end, what it said on standard error, and whether its output came whole."""
        marks = Marks()
        run, errors = await self._run_client(
            self.command(marks.around(line)),
            output=output,
            timeout_seconds=seconds,
            stdin=stdin,
            answers=answers,
        )
        cut = await asyncio.to_thread(marks.cut, output)
        if run.timed_out:
            return run, marks.errors(errors), cut.whole
        code = marks.exit_code(errors)
        if code is None and self.merges_streams:
            code = marks.exit_code(cut.after)
        if code is None:
            text = marks.errors(errors)
            raise self.lost(text if text.strip() else await self.why_lost(), "a command")
        return run.model_copy(update={"exit_code": code}), marks.errors(errors), cut.whole

    async def ask(self, line: str, *, reads: int = 0) -> Answer:
        """Run a command line and read what it prints. `reads` is how many bytes of files it has to read."""
        seconds = self._answer_seconds + reads / _BYTES_READ_PER_SECOND
        with self.scratch_file("answer") as output:
            run, errors, whole = await self._run_marked(
                f"{{ {line}\n}}", output, seconds, "held", answers=True
            )
            self.require_in_time(run, "answer")
            if not whole:
                raise DeviceFailed(
                    FailureKind.TRANSFER_CUT, f"{self.name}: the answer to a command did not arrive whole."
                )
            text = output.read_bytes().replace(b"\r\n", b"\n").decode(errors="replace")
            return Answer(text, errors, run.exit_code)

    async def tell(self, line: str, deed: str | None = None, *, reads: int = 0) -> str:
        """As `ask`, for a command that must succeed; what it printed. `deed` names a line that is too long to show."""
        answer = await self.ask(line, reads=reads)
        if answer.exit_code:
            text = f"{answer.text}\n{answer.errors}"
            kind = self._kind(text) or FailureKind.DEVICE_UNFIT
            last = text.strip().splitlines()[-1:] or [f"exit code {answer.exit_code}"]
            shown = deed or f"`{line[:200]}`"
            raise DeviceFailed(kind, f"{self.name} refused {shown}: {last[0].rstrip('.')}.", last[0])
        return answer.text

    def require_in_time(self, run: ToolRun, deed: str) -> None:
        """Raise DeviceFailed if the client did not come back in its time."""
        if run.timed_out:
            raise DeviceFailed(
                FailureKind.DEVICE_OFFLINE, f"{self.name} did not {deed} within {run.seconds:.0f} s."
            )

    def _transfer_seconds(self, size: int) -> float:
        return self._answer_seconds + size / _BYTES_PER_SECOND

    def lost(self, text: str, deed: str) -> DeviceFailed:
        """The failure that a client's message speaks of; without a known one, a lost connection."""
        kind = self._kind(text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        telling = [line for line in lines if kind and self._kind(line) is kind] or lines
        reason = f": {telling[-1].rstrip('.')}" if telling else ""
        if kind in (None, FailureKind.DEVICE_OFFLINE):
            deed = f"the connection was lost during {deed}"
        else:
            deed = f"{deed} failed"
        return DeviceFailed(kind or FailureKind.DEVICE_OFFLINE, f"{self.name}: {deed}{reason}.", text or None)

    async def _run_client(
        self,
        argv: list[str],
        *,
        output: Path,
        timeout_seconds: float,
        stdin: Path | Literal["held"] | None = None,
        answers: bool = False,
    ) -> tuple[ToolRun, bytes]:
        """Run the client itself; what it printed on standard error.

        Standard error is bounded, and `answers` says that the output is one, too, and no file of any size.
        """
        with self.scratch_file("errors") as errors:
            client = run_tool(
                argv,
                cwd=self._scratch,
                env=_client_environment(),
                output=output,
                errors=errors,
                timeout_seconds=timeout_seconds,
                stdin=stdin,
            )
            flood = (
                f"{self.name} answered with over {shown_limit(LARGEST_ANSWER)}, the most that is read of an answer; "
                "look for what floods its shell, or restart it."
            )
            try:
                run = await self._while_short(
                    client, (output, errors) if answers else (errors,), LARGEST_ANSWER, flood
                )
            except ToolNotExecutable as error:
                raise DeviceFailed(FailureKind.CLIENT_BROKEN, f"{error}.") from error
            return run, errors.read_bytes()

    async def _while_short(
        self, work: Coroutine[Any, Any, T], files: Sequence[Path], largest: int, flood: str
    ) -> T:
        """Wait for work that writes files; end it and raise DeviceFailed as soon as one is larger than that."""
        running = asyncio.create_task(work)
        try:
            ended = False
            while not ended:
                ended = bool((await asyncio.wait({running}, timeout=_LOOK_SECONDS))[0])
                if any(file.exists() and file.stat().st_size > largest for file in files):
                    raise DeviceFailed(FailureKind.DEVICE_UNFIT, flood)
            return await running
        finally:
            if not running.done():
                running.cancel()
                await asyncio.wait({running})

    def _kind(self, text: str) -> FailureKind | None:
        kinds = (sign.kind for sign in (*self.signs, *_SHARED_SIGNS) if re.search(sign.pattern, text, re.I))
        return next(kinds, None)

    def scratch_file(self, purpose: str) -> _ScratchFile:
        """A host file for the block, gone at its end."""
        return _ScratchFile(self._scratch / f"{purpose}-{secrets.token_hex(6)}")


class _ScratchFile:
    """A path that is gone at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)


def _client_environment() -> dict[str, str]:
    """Ours without credentials, but with the user's ssh agent: these are clients of the user's own."""
    agent = {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
    return tool_environment(agent)


def quoted(*words: str) -> str:
    """Words as one command line for a POSIX shell."""
    return shlex.join(words)


async def verify_copy(shell: Shell, source: Path, target: str) -> None:
    """Raise DeviceFailed unless a host file and a device file hold the same bytes."""
    size = await asyncio.to_thread(os.path.getsize, source)
    there = (await digests(shell, quoted("sha256sum", target), size)).get(target)
    if there != (here := await asyncio.to_thread(file_digest, source)):
        raise DeviceFailed(
            FailureKind.TRANSFER_CUT,
            f"{source.name} did not arrive whole on {shell.name}: sha256 {str(there)[:12]} instead of {here[:12]}.",
        )


async def digests(shell: Shell, line: str, size: int = 0) -> dict[str, str]:
    """SHA-256 by path from a command line that prints them as `sha256sum` does, of so many bytes in all."""
    rows = (line.split(maxsplit=1) for line in (await shell.tell(line, reads=size)).splitlines())
    return {row[1].removeprefix("*"): row[0].removeprefix("\\") for row in rows if len(row) == 2}
