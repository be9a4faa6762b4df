"""The host SDK stands alone: it is asked as a program. What asks it may have imported nothing yet."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

ROOT_VARIABLES = ("QAIRT_SDK_ROOT", "QNN_SDK_ROOT", "SNPE_ROOT")
"""Each names an SDK in its place."""
_SECONDS = 120


class Answer(NamedTuple):
    """Lines of an answer; without any, a sentence says why."""

    lines: list[str]
    complaint: str = ""


def answer_of(*question: str) -> Answer:
    """What `python -m hostsdk` says to the question."""
    command = [sys.executable, "-m", "hostsdk", *question]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer([], f"The host SDK cannot be used on this machine: {error}.")
    lines = [line for line in done.stdout.split("\n") if line.strip()]
    if done.returncode == 0 and lines:
        return Answer(lines)
    complaint = (done.stderr or done.stdout).strip()
    return Answer([], complaint or "The host SDK cannot be used on this machine.")
