"""The way to a device: run a command line in its shell, push a file, pull a file.

A transport (adb, ssh) only knows how to call its client and what the client's messages mean. A command's output is
enclosed in marks (marks.py): if the last one is missing, the connection was lost, whatever the client's exit code.
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
"""Maximum size in bytes of an answer, which is read as a whole: enough for the names and digests of a hundred
thousand files."""
_LOOK_SECONDS = 0.1
"""How often the size of an answer is checked while it arrives."""
_BESIDE_A_FILE = 4 << 20
"""Bytes that may arrive in addition to a file: what a board prints before and after it."""
_BYTES_PER_SECOND = 1 << 20
"""Slower than any usable link: a transfer that takes longer is considered hung."""
_BYTES_READ_PER_SECOND = 10 << 20
"""The minimum rate at which a board's busybox computes a digest."""


class ClientSign(NamedTuple):
    """A pattern in a client's messages, and the kind of failure it indicates."""

    pattern: str
    kind: FailureKind


# Messages from the device's own programs and from the client's protocol on both transports.
_SHARED_SIGNS = (
    ClientSign(r"No space left on device|Disk quota exceeded", FailureKind.DEVICE_FULL),
    ClientSign(
        r"Read-only file system|Permission denied|Is a directory|Not a directory", FailureKind.DEVICE_UNFIT
    ),
)


@dataclass(frozen=True)
class Answer:
    """What a command printed on standard output and standard error, and its exit code on the device.

    On devices that merge the two streams, everything is in `text`.
    """

    text: str
    errors: str
    exit_code: int


class Shell(ABC):
    """The shell of one device. Every method raises DeviceFailed if the device does not answer as it should."""

    signs: Sequence[ClientSign] = ()
    merges_streams = False
    """Whether some devices send standard output and standard error as one stream."""

    def __init__(self, name: str, scratch: Path, answer_seconds: float) -> None:
        self.name = name
        self._scratch = scratch
        self._answer_seconds = answer_seconds

    @abstractmethod
    def command(self, line: str) -> list[str]:
        """Return the client's command that runs a command line on the device."""

    @abstractmethod
    async def _push(self, source: Path, target: str, seconds: float) -> None:
        """Copy a file to the device within `seconds`."""

    @abstractmethod
    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        """Copy a file from the device within `seconds`."""

    async def push(self, source: Path, target: str) -> None:
        """Copy a host file to an absolute path on the device, replacing any existing file."""
        size = await asyncio.to_thread(os.path.getsize, source)
        await self._push(source, target, self._transfer_seconds(size))

    async def pull(self, source: str, target: Path, size: int) -> None:
        """Copy a file from the device to the host, and no more bytes than the size the device reported."""
        name, free = posixpath.basename(source), await asyncio.to_thread(disk_usage, target.parent)
        if size > free.free:
            raise DeviceFailed(
                FailureKind.DISK,
                f"{self.name} reports that {name} has {shown_limit(size)}, but {target.parent} has room for "
                f"{shown_limit(free.free)}.",
            )
        flood = f"{self.name} sends more of {name} than the {shown_limit(size)} it reported."
        pulling = self._pull(source, target, self._transfer_seconds(size))
        await self._while_short(pulling, [target], size + _BESIDE_A_FILE, flood)

    async def connect(self, comeback_seconds: float = 0.0) -> None:  # noqa: B027  # most need nothing
        """Make the device reachable if that needs an extra step; wait up to `comeback_seconds` for an absent one."""

    async def require_answer(self) -> None:
        """Raise DeviceFailed unless the device is there, using the quickest check that shows it."""
        await self.connect()
        await self.output_of("true")

    async def close(self) -> None:  # noqa: B027  # most leave nothing
        """Remove everything this connection leaves behind on the host."""

    async def why_lost(self) -> str:
        """Return what the client says about the device after a connection ended without a message."""
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
        """Run a line between marks; return its result, its standard error and whether its output is complete."""
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
        """Run a command line and return what it prints. `reads` is the number of bytes it has to read from files."""
        seconds = self._answer_seconds + reads / _BYTES_READ_PER_SECOND
        with self.scratch_file("answer") as output:
            run, errors, whole = await self._run_marked(
                f"{{ {line}\n}}", output, seconds, "held", answers=True
            )
            self.require_in_time(run, "answer")
            if not whole:
                raise DeviceFailed(
                    FailureKind.TRANSFER_CUT, f"{self.name}: the answer to a command did not arrive intact."
                )
            text = output.read_bytes().replace(b"\r\n", b"\n").decode(errors="replace")
            return Answer(text, errors, run.exit_code)

    async def output_of(self, line: str, deed: str | None = None, *, reads: int = 0) -> str:
        """Call `ask` for a command that must succeed; return its output. `deed` describes a line too long to show."""
        answer = await self.ask(line, reads=reads)
        if answer.exit_code:
            text = f"{answer.text}\n{answer.errors}"
            kind = self._kind(text) or FailureKind.DEVICE_UNFIT
            last = text.strip().splitlines()[-1:] or [f"exit code {answer.exit_code}"]
            shown = deed or f"`{line[:200]}`"
            raise DeviceFailed(kind, f"{self.name} refused {shown}: {last[0].rstrip('.')}.", last[0])
        return answer.text

    def require_in_time(self, run: ToolRun, deed: str) -> None:
        """Raise DeviceFailed if the client exceeded its time limit."""
        if run.timed_out:
            raise DeviceFailed(
                FailureKind.DEVICE_OFFLINE, f"{self.name} did not {deed} within {run.seconds:.0f} s."
            )

    def _transfer_seconds(self, size: int) -> float:
        return self._answer_seconds + size / _BYTES_PER_SECOND

    def lost(self, text: str, deed: str) -> DeviceFailed:
        """Return the failure that a client's message indicates, or a lost connection if it is not recognised."""
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
        """Run the client itself; return its result and what it printed on standard error.

        Standard error is limited in size. `answers` means that the output is an answer and limited too, rather than a
        file of any size.
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
                f"{self.name} answered with more than {shown_limit(LARGEST_ANSWER)}, the maximum size of an answer; "
                "find what floods its shell, or restart it."
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
        """Await work that writes files; cancel it and raise DeviceFailed as soon as a file exceeds `largest` bytes."""
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
        """Return a host file for use in a with block, removed at its end."""
        return _ScratchFile(self._scratch / f"{purpose}-{secrets.token_hex(6)}")


class _ScratchFile:
    """A path that is removed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)


def _client_environment() -> dict[str, str]:
    """Return our environment without credentials, but with the user's SSH agent: the clients are the user's own."""
    agent = {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
    return tool_environment(agent)


def quoted(*words: str) -> str:
    """Join words into one command line for a POSIX shell."""
    return shlex.join(words)


async def verify_copy(shell: Shell, source: Path, target: str) -> None:
    """Raise DeviceFailed unless a host file and a device file hold the same bytes."""
    size = await asyncio.to_thread(os.path.getsize, source)
    there = (await digests(shell, quoted("sha256sum", target), size)).get(target)
    if there != (here := await asyncio.to_thread(file_digest, source)):
        raise DeviceFailed(
            FailureKind.TRANSFER_CUT,
            f"{source.name} did not arrive intact on {shell.name}: sha256 {str(there)[:12]} instead of {here[:12]}.",
        )


async def digests(shell: Shell, line: str, size: int = 0) -> dict[str, str]:
    """Return SHA-256 by path from a line that prints like `sha256sum`; `size` is the number of bytes it hashes."""
    rows = (line.split(maxsplit=1) for line in (await shell.output_of(line, reads=size)).splitlines())
    return {row[1].removeprefix("*"): row[0].removeprefix("\\") for row in rows if len(row) == 2}
