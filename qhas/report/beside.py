"""A process of ours that answers questions one after another, in the order in which they are asked.

It is asked the next one while it answers: whoever asks is a thread of a process that computes, too, and hears late that
there is an answer. Questions come through its standard input and end with it, so nothing is left however this one dies.
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
"""Bytes, the most that Linux gives to any user: a question and an answer fit whole, and nobody waits for a reader."""


class Beside:
    """What answers there. To be used by several threads at once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self._questions: Any = process.stdin
        self._answers: Any = process.stdout
        self._untold = b""
        self._asking = Lock()
        self._answered = Event()
        self._answered.set()

    def tell(self, message: object) -> None:
        """Have it read this before the first question, with which it is sent: it need not be up yet."""
        self._untold += _packed(message)

    def ask(self, question: object) -> Any:
        """The answer. Raises EOFError or OSError where the process died, and pickle.UnpicklingError."""
        message = _packed(question)
        with self._asking:
            before, self._answered = self._answered, (mine := Event())
            message, self._untold = self._untold + message, b""
            is_asked = _send(self._questions, message)
        before.wait()  # even when it died: what another waits for is not to be read here
        try:
            if not is_asked:
                raise EOFError
            return receive(self._answers)
        finally:
            mine.set()


@contextmanager
def started_beside(program: str) -> Iterator[Beside]:
    """A process that runs this program, ended with the block. Python's `-c`, without the working directory's modules."""
    argv = [sys.executable, "-P", "-c", program]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError, AttributeError):  # where there are no wider ones, it takes longer
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)  # type: ignore[arg-type]
    try:
        yield Beside(process)
    finally:
        process.kill()
        process.communicate()


def answer(reply: Callable[[Any], object], questions: BinaryIO, answers: BinaryIO) -> None:
    """In the process beside: reply to every question until there is no other."""
    while True:
        try:
            question = receive(questions)
        except EOFError:
            return
        _send(answers, _packed(reply(question)))


def receive(pipe: BinaryIO) -> Any:
    """The next message. Raises EOFError where there is none, or no whole one."""
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return pickle.loads(_exactly(pipe, length))  # noqa: S301  # our own process


def _packed(message: object) -> bytes:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def _send(pipe: BinaryIO, message: bytes) -> bool:
    """In as few calls as may be: after each a thread waits for its turn to compute. False where nobody reads any more."""
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
