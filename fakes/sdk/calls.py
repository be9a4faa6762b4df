"""Reading of the fake tools' records of their calls."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .toolchain.faults import Fault, Tool
from .toolchain.journal import FILE_NAME


@dataclass(frozen=True)
class Call:
    """One call. Times are seconds since the epoch; `end` and `exit_code` are None if it still runs or was killed.

    A death by signal N that the fake plans for itself has exit code -N.
    """

    tool: Tool
    argv: tuple[str, ...]
    cwd: Path
    pid: int
    start: float
    end: float | None
    exit_code: int | None
    fault: Fault | None

    @property
    def under_way(self) -> bool:
        """Whether it is still running, except for a `--version` call, which can also take long on a busy machine."""
        return self.end is None and "--version" not in self.argv

    def option(self, name: str) -> str | None:
        """Return the value given for `--name`, in either form; None if it was not given."""
        flag = f"--{name}"
        for word, following in zip(self.argv, (*self.argv[1:], ""), strict=True):
            if word == flag:
                return following
            if word.startswith(f"{flag}="):
                return word.partition("=")[2]
        return None


def read_calls(root: Path, tool: Tool | None = None) -> list[Call]:
    """Return the calls of the SDK at `root` in order of their start, of one tool or of all; empty if none yet."""
    path = root / FILE_NAME
    if not path.exists():
        return []
    rows: dict[str, dict[str, Any]] = {}
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")  # a line may be half written
    for line in whole.splitlines():
        row = json.loads(line)
        rows.setdefault(row["call"], {}).update(row)
    calls = sorted((_call(row) for row in rows.values()), key=lambda call: call.start)
    return [call for call in calls if tool is None or call.tool is tool]


def most_at_once(calls: Iterable[Call]) -> int:
    """Return the maximum number of concurrent calls; a call without an end counts as still running."""
    moments = []
    for call in calls:
        moments.append((call.start, 1))
        if call.end is not None:
            moments.append((call.end, -1))
    most = running = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def _call(row: dict[str, Any]) -> Call:
    fault = row.get("fault")
    return Call(
        Tool(row["tool"]),
        tuple(row["argv"]),
        Path(row["cwd"]),
        row["pid"],
        row["start"],
        row.get("end"),
        row.get("exit"),
        Fault(fault) if fault else None,
    )
