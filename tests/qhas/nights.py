"""Nights of a sweep: runs and the records of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from fakes.records import MOMENT, latency, measured, metrics, model, record, run_record
from qhas.devices.facts import DeviceFacts
from qhas.runs.record import CellRecord, Origin, PreparedFacts, SweepRecord
from qhas.sweep.spec import Cell

FIRST = MOMENT.date()
GRAPH = PreparedFacts(key="k" * 64, sha256="a" * 64, schematic_sha256="b" * 64, reused=True)


def run_of(night: int, run_id: str | None = None, **changes: Any) -> SweepRecord:
    """The run of a night, counted from the first of March."""
    begun = MOMENT + timedelta(days=night)
    named = {"run_id": run_id or f"night-{night:03}", "started_at": begun, "finished_at": begun}
    return run_record(**named | changes)


def day(night: int) -> date:
    """The date of a night."""
    return FIRST + timedelta(days=night)


def on_phone(
    night: int,
    median: float,
    network: str = "net",
    *,
    phone: str = "one",
    soc: str = "sm8750",
    **changes: Any,
) -> CellRecord:
    """A cell on a phone, all of whose samples are within 1 % of the median."""
    facts = DeviceFacts(name=phone, soc=soc, transport="adb", address=f"adb:{phone}", build="AP3A")
    tags = changes.pop("tags", [])
    cell = Cell(model=model(network, tags=tags), soc=soc)
    named = {
        "run_id": f"night-{night:03}",
        "finished_at": MOMENT + timedelta(days=night, minutes=5),
        "latency": latency(median * 0.99, median, median * 1.01),
        "device": facts,
        "metrics": metrics(context_bytes=1_234_567),
        "prepared": GRAPH,
    }
    return measured(cell, **named | changes)


def simulated(
    night: int, network: str = "net", figures: Mapping[str, Any] | None = None, **changes: Any
) -> CellRecord:
    """A cell on a simulated SoC."""
    named = {
        "run_id": f"night-{night:03}",
        "finished_at": MOMENT + timedelta(days=night, minutes=5),
        "origin": Origin.SIMULATOR,
        "metrics": metrics(context_bytes=1_234_567, **figures or {}),
        "prepared": GRAPH,
    }
    return record(Cell(model=model(network), soc="sa8255"), **named | changes)


WOBBLE: Sequence[float] = (0.0, 0.6, -0.8, 0.3, -0.4, 1.0, -1.1, 0.2, -0.2, 0.7)
"""Percentages by which successive nights differ from the level, in an endless cycle."""


def wobbling(night: int, level: float = 1000.0) -> float:
    """The latency of a steady series on a night."""
    return level * (1 + WOBBLE[night % len(WOBBLE)] / 100)
