"""A child process that answers questions one at a time, in the order in which they are asked.

The next question is sent while it is still answering: the thread that asks belongs to a process that computes as
well, and notices late that an answer is ready. Questions arrive on the child's standard input, and it exits when that
closes, so nothing is left behind however the parent dies.
"""

from __future__ import annotations

import fcntl
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from struct import Struct
from threading import Event, Lock
from typing import Any, BinaryIO

_LENGTH = Struct("<Q")
_PIPE = 1 << 20
"""Bytes, the most that Linux allows any user: a question and an answer fit whole, and no writer waits for its reader."""


class Beside:
    """The parent's side of the child process. May be used by several threads at once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._questions: Any = process.stdin
        self._answers: Any = process.stdout
        self._untold = b""
        self._asking = Lock()
        self._answered = Event()
        self._answered.set()

    def send(self, message: object) -> None:
        """Queue a message that is read before the next question and sent with it: the process need not be up yet."""
        self._untold += _packed(message)

    def ask(self, question: object) -> Any:
        """Return the answer to a question. Raises EOFError or OSError if the process died, and pickle.UnpicklingError."""
        message = _packed(question)
        with self._asking:
            before, self._answered = self._answered, (mine := Event())
            message, self._untold = self._untold + message, b""
            is_asked = _send(self._questions, message)
        before.wait()  # even if the process died: an answer that another thread waits for must not be read here
        try:
            if not is_asked:
                raise EOFError
            return receive(self._answers)
        finally:
            mine.set()


@contextmanager
def started_beside(program: str) -> Iterator[Beside]:
    """Start a process that runs this program, and kill it when the block ends.

    The program is passed to Python's `-c`, without the working directory on the module path.
    """
    argv = [sys.executable, "-P", "-c", program]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # Ctrl-C is for the parent, which decides what becomes of the question
    )
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError, AttributeError):  # without wider pipes, it only takes longer
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[arg-type]
    try:
        yield Beside(process)
    finally:
        process.kill()
        process.communicate()


def answer(reply: Callable[[Any], object], questions: BinaryIO, answers: BinaryIO) -> None:
    """Reply to every question until there are no more; runs in the child process."""
    while True:
        try:
            question = receive(questions)
        except EOFError:
            return
        _send(answers, _packed(reply(question)))


def receive(pipe: BinaryIO) -> Any:
    """Return the next message. Raises EOFError if there is none, or only part of one."""
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return pickle.loads(_exactly(pipe, length))  # noqa: S301  # our own process


def _packed(message: object) -> bytes:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def _send(pipe: BinaryIO, message: bytes) -> bool:
    """Write the message in as few calls as possible; return False if nobody reads the pipe any more.

    After each call, the thread has to wait for its turn to compute.
    """
    rest = memoryview(message)
    try:
        while rest:
            rest = rest[pipe.write(rest) :]
        pipe.flush()
    except OSError:
        return False
    return True


def _exactly(pipe: Any, length: int) -> bytearray:
    content = bytearray(length)
    rest = memoryview(content)
    while rest:
        count = pipe.readinto(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return content
