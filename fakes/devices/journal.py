"""What was requested of a device: one JSON line at the start of each command and one at its end."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from .faults import DeviceFault


@dataclass(frozen=True)
class DeviceCommand:
    """A service, transfer (`push PATH`, `pull PATH`) or ssh command. Times are seconds since the epoch.

    `end` is None while it runs, or if the device died first. `exit_code` is also None if nothing was run, if its end
    was not seen, and for a transfer that was cut; 128 + N stands for death by signal N.
    """

    service: str
    start: float
    end: float | None = None
    exit_code: int | None = None
    fault: DeviceFault | None = None


class Journal:
    """The writer of a device's records."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._last = time.time_ns()

    def started(self, service: str, fault: DeviceFault | None) -> int:
        """Record a start; return the number to pass to `ended`."""
        self._last = max(self._last + 1, time.time_ns())
        self._write(id=self._last, service=service, start=time.time(), fault=fault)
        return self._last

    def ended(self, number: int, exit_code: int | None) -> None:
        """Record the end of the command with that number."""
        self._write(id=number, end=time.time(), exit_code=exit_code)

    def _write(self, **row: Any) -> None:
        self._file.write(json.dumps(row) + "\n")


def read_journal(path: Path) -> list[DeviceCommand]:
    """Return the commands in order of their start; an empty list if there are none yet."""
    rows: dict[int, dict[str, Any]] = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole, _, _ = text.rpartition("\n")  # a line may be half written
    for line in whole.splitlines():
        row = json.loads(line)
        rows.setdefault(row.pop("id"), {}).update(row)
    return [
        DeviceCommand(**{**row, "fault": DeviceFault(row["fault"]) if row["fault"] else None})
        for row in rows.values()
    ]
