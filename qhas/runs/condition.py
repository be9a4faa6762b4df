"""The condition of a device in words, and when it makes a figure poor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

from qhas.devices.facts import Health, HealthFacts
from qhas.profile.diagview import spread_percent
from qhas.profile.metrics import Latency
from qhas.units import number

POOR_SPREAD_PERCENT = 20.0
"""Above it, the samples of one run are too far apart to represent the network."""


def poor(health: HealthFacts | None, latency: Latency | None) -> list[str]:
    """Return the reasons not to quote a latency, each as a phrase; empty if there are none."""
    return [*_throttled(health), *_scattered(latency)]


def _throttled(health: HealthFacts | None) -> Iterator[str]:
    if health and health.after and (status := health.after.thermal_status):
        yield f"thermal status {status} after the run"


def _scattered(latency: Latency | None) -> Iterator[str]:
    if latency and (spread := spread_percent(latency)) > POOR_SPREAD_PERCENT:
        yield f"spread {spread:.0f} %"


def before_after(facts: HealthFacts) -> str:
    """Describe skin, thermal status and battery before and after, as `skin 33.9 → 36.1 °C, battery 80 → 79 %`."""
    readings = [_change(facts, *reading) for reading in _READINGS]
    if facts.waited_seconds >= 1:
        readings.append(f"waited {facts.waited_seconds:.0f} s for the gate")
    return ", ".join(filter(None, readings))


_READINGS: tuple[tuple[str, Callable[[Health], float | None], str], ...] = (
    ("skin", attrgetter("skin_celsius"), " °C"),
    ("thermal status", attrgetter("thermal_status"), ""),
    ("battery", attrgetter("battery_percent"), " %"),
)


def _change(facts: HealthFacts, quantity: str, read: Callable[[Health], float | None], unit: str) -> str:
    """Describe one reading before and after; empty if the device reports neither."""
    values = [health and read(health) for health in (facts.before, facts.after)]
    if values == [None, None]:
        return ""
    return (
        f"{quantity} {' → '.join('?' if value is None else number(f'{value:g}') for value in values)}{unit}"
    )
