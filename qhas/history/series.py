"""One figure of one cell over the nights, for display and for other tools."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from qhas.history.damage import Listener, log_damage
from qhas.history.reading import Where, read_history
from qhas.machine.packing import arriving
from qhas.outside_text import csv_cell
from qhas.runs.record import Origin
from qhas.store import Store

_FACTS = ("date", "finished_at", "run_id", "variant", "sweep", "origin", "device", "build", "sdk_version")


@dataclass(frozen=True)
class Night:
    """A value, with what it depends on."""

    date: date
    finished_at: datetime
    run_id: str
    variant: str
    sweep: str
    origin: str
    device: str | None
    build: str | None
    sdk_version: str
    value: float


@dataclass(frozen=True)
class Line:
    """The nights of one variant, sweep and origin, which may share a plot."""

    origin: Origin
    variant: str
    sweep: str
    nights: tuple[Night, ...]

    def segments(self) -> Iterator[tuple[date, str]]:
        """Yield each night on which the SDK differs from the night before, with a text such as `SDK 2.44.0 → 2.45.0`."""
        for before, night in zip(self.nights, self.nights[1:], strict=False):
            if night.sdk_version != before.sdk_version:
                yield night.date, f"SDK {before.sdk_version} → {night.sdk_version}"


def lines(store: Store, where: Where, metric: str, left_out: Listener = log_damage) -> list[Line]:
    """Return the figure's values, oldest first, in separate lines if they may not share a plot. Raises StoreError.

    `left_out` is called with each file that cannot be read.
    """
    table = read_history(store, where, (*_FACTS, metric), left_out=left_out)
    columns: Sequence[list[Any]] = [table.column(name).to_pylist() for name in (*_FACTS, metric)]
    grouped: dict[tuple[str, str, str], list[Night]] = {}
    for values in zip(*columns, strict=True):
        if values[-1] is not None:
            night = Night(*values)
            grouped.setdefault((night.origin, night.variant, night.sweep), []).append(night)
    return [
        Line(Origin(origin), variant, sweep, tuple(nights))
        for (origin, variant, sweep), nights in sorted(grouped.items())
    ]


def write_csv(line: Line, metric: str, path: Path) -> None:
    """Write a line as CSV: a header, then a row per run with the time first.

    This is the format that Apache Otava's CSV importer reads (docs/verdicts.md).
    """
    with arriving(path) as partial, partial.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(map(csv_cell, ("time", "run", "device", "firmware", "sdk", metric)))
        for night in line.nights:
            writer.writerow(
                csv_cell(value)
                for value in (
                    night.finished_at.isoformat(timespec="seconds"),
                    night.run_id,
                    night.device or "",
                    night.build or "",
                    night.sdk_version,
                    night.value,
                )
            )
