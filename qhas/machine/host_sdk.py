"""Queries to the host SDK, which is independent and run as a program. The caller may not have imported anything yet."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple

ROOT_VARIABLES = ("QAIRT_SDK_ROOT", "QNN_SDK_ROOT", "SNPE_ROOT")
"""Each names an SDK to use instead of the host SDK."""
_SECONDS = 120
_VARIABLES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "OPENBLAS_NUM_THREADS": "1"}
"""Environment of the host SDK's programs, unless the user has set it: they allocate and free hundreds of megabytes, which
takes up to a third of their time without huge pages, and each has one core."""


class Answer(NamedTuple):
    """The lines of an answer; without any, a sentence that says why."""

    lines: list[str]
    complaint: str = ""


def host_sdk_variables() -> dict[str, str]:
    """Return the variables to add to the environment of the host SDK's programs."""
    return {name: value for name, value in _VARIABLES.items() if name not in os.environ}


_asked: dict[tuple[str, ...], subprocess.Popen[str]] = {}


def ask(*question: str) -> None:
    """Start a query, so that `answer_of` the same question then waits less, or not at all.

    A host SDK that cannot be run is reported by `answer_of`.
    """
    with suppress(OSError):
        _asked[question] = _asking(question)


def answer_of(*question: str) -> Answer:
    """Return what `python -m hostsdk` answers to the question."""
    try:
        with _asked.pop(question, None) or _asking(question) as process:
            output, complained = _read_reply(process)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer([], f"The host SDK cannot be used on this machine: {error}.")
    lines = [line for line in output.split("\n") if line.strip()]
    if process.returncode == 0 and lines:
        return Answer(lines)
    return Answer([], (complained or output).strip() or "The host SDK cannot be used on this machine.")


def _asking(question: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hostsdk", *question]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _read_reply(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=_SECONDS)
    except BaseException:  # also if the user interrupts the wait
        process.kill()
        raise
