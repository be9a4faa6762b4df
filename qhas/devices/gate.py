"""The gate before a cell: what currently prevents a start on a device, and the wait until nothing does.

A value that a device does not report never prevents a start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from qhas.devices.facts import Health, hottest_of_chip
from qhas.devices.health import Probe
from qhas.failures import FailureKind
from qhas.site import Gate

_MB = 1_000_000


@dataclass(frozen=True)
class Objection:
    """A reason against a start: a sentence with value and limit, and whether waiting can resolve it."""

    kind: FailureKind
    sentence: str
    passes_by_waiting: bool = True


def objections(health: Health, gate: Gate, free_needed_bytes: int = 0) -> list[Objection]:
    """List the gate's objections to the device's condition, hopeless ones first. Unknown values raise none.

    `free_needed_bytes` is the amount to be pushed; the gate's minimum of free space must remain in addition to it.
    """
    raised = (
        *_too_hot(health, gate),
        *_battery_low(health, gate),
        *_too_full(health, gate, free_needed_bytes),
    )
    return sorted(raised, key=lambda objection: objection.passes_by_waiting)


def _too_hot(health: Health, gate: Gate) -> Iterator[Objection]:
    hottest, name = hottest_of_chip(health) or (None, "")
    for part, value, limit, unit in (
        ("thermal status", health.thermal_status, gate.thermal_status, ""),
        ("skin", health.skin_celsius, gate.skin_celsius, " °C"),
        (f"sensor {name}", hottest, gate.chip_celsius, " °C"),
    ):
        if value is not None and value > limit:
            yield Objection(
                FailureKind.DEVICE_HOT, f"Its {part} is at {value:g}{unit}; the gate allows {limit:g}{unit}."
            )


def _battery_low(health: Health, gate: Gate) -> Iterator[Objection]:
    if health.battery_percent is not None and health.battery_percent < gate.battery_percent:
        flat = health.charging is False
        level = f"{health.battery_percent} %{' and not charging' if flat else ''}"
        sentence = f"Its battery is at {level}; the gate requires {gate.battery_percent} %."
        yield Objection(FailureKind.DEVICE_BATTERY_LOW, sentence, passes_by_waiting=not flat)


def _too_full(health: Health, gate: Gate, needed: int) -> Iterator[Objection]:
    limit = gate.free_mb * _MB + needed
    if health.free_bytes is not None and health.free_bytes < limit:
        beside = f", {needed // _MB} MB of it for files to be pushed" if needed >= _MB else ""
        sentence = (
            f"Its directory has {health.free_bytes // _MB} MB free; {limit // _MB} MB are needed{beside}."
        )
        yield Objection(FailureKind.DEVICE_FULL, sentence, passes_by_waiting=False)


class Wait(NamedTuple):
    """The last probe, the seconds since the first one, and the remaining objections to a start."""

    probe: Probe
    waited_seconds: float
    left: list[Objection]


async def wait_until_fit(
    read: Callable[[], Awaitable[Probe]],
    gate: Gate,
    *,
    free_needed_bytes: int = 0,
    waiting: Callable[[list[Objection], float], None] = lambda _left, _waited: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Wait:
    """Probe the device until nothing prevents a start, the gate's patience runs out, or waiting is hopeless.

    Before every pause, `waiting` is called with the objections and the seconds waited. An exception from `read` ends
    the wait.
    """
    probe = await read()
    began, waited = clock(), 0.0
    while True:
        remaining = objections(probe.health, gate, free_needed_bytes)
        hopeless = any(not objection.passes_by_waiting for objection in remaining)
        if not remaining or hopeless or waited >= gate.patience_seconds:
            return Wait(probe, waited, remaining)
        waiting(remaining, waited)
        await sleep(min(gate.poll_seconds, gate.patience_seconds - waited))
        probe = await read()
        waited = clock() - began
