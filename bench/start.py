"""What a command costs before it does anything: its process's processor time, in starts of a bare interpreter.

It is processor time, not wall time, so that other work on the machine does not count. The bytecode is cached before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.size import Size

LINES = ("--version", "--help", "show none", "plan none.yaml", "doctor", "sweep none.yaml")
"""Command lines that name things that do not exist: they import all they need, find that out and stop."""
TIMES = 5


def measure(folder: Path, _size: Size, console: Console) -> dict[str, Any]:
    """Measure the minimum of a few tries of each command line, in an empty folder."""
    qhas = str(Path(sys.executable).with_name("qhas"))
    bare = _least([sys.executable, "-c", "pass"], folder)
    seconds = {line: _least([qhas, *line.split()], folder) for line in LINES}
    table = Table("command", "processor time", "bare interpreters", title=f"a bare one: {bare:.3f} s")
    for line, taken in seconds.items():
        table.add_row(f"qhas {line}", f"{taken:.2f} s", f"{taken / bare:.0f}")
    console.print(table)
    return {"bare_seconds": bare, "ratios": {line: round(taken / bare, 1) for line, taken in seconds.items()}}


def _least(arguments: list[str], folder: Path) -> float:
    return min(_processor_seconds(arguments, folder) for _ in range(TIMES))


def _processor_seconds(arguments: list[str], folder: Path) -> float:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONDONTWRITEBYTECODE", "QHAS_SITE")
    }
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime
