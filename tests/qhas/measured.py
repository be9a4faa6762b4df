"""Records of cells that ran on a phone."""

from __future__ import annotations

from typing import Any

from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import FailureKind, Step
from qhas.profile.diagview import Samples, Series
from qhas.profile.diagview import latency as latency_of
from qhas.profile.metrics import Latency
from qhas.runs.record import Attempt, CellRecord, Origin
from qhas.sweep.spec import Cell
from tests.qhas.samples import MOMENT, record


def latency(*samples: float) -> Latency:
    """Of these samples, in microseconds."""
    return latency_of(Samples({Series.TOTAL: samples}), warmups=0, perf_profile="burst")


def health(*, after: int = 0, skin: float = 36.0) -> HealthFacts:
    """Of a phone with that thermal status and skin temperature after the run."""
    before = Health(
        taken_at=MOMENT,
        skin_celsius=33.5,
        thermal_status=0,
        battery_percent=80,
        celsius={"npu/nsp0": 60.0, "battery/pack": 70.0},
    )
    return HealthFacts(
        before=before, after=before.model_copy(update={"thermal_status": after, "skin_celsius": skin})
    )


def attempt(device: str, failure: FailureKind | None = None) -> Attempt:
    """A try of net-run on a device."""
    return Attempt(step=Step.NET_RUN, number=1, device=device, failure=failure)


def measured(cell: Cell | None = None, **changes: Any) -> CellRecord:
    """The record of a cell on a phone, with latency and health."""
    named = {
        "origin": Origin.DEVICE,
        "device": DeviceFacts(name="oneplus13", soc="sm8750", transport="adb", address="adb:3b15aq0"),
        "latency": latency(100, 102, 104),
        "health": health(),
    }
    return record(cell, **named | changes)
