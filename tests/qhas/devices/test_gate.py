"""The gate before a cell: what keeps it from starting, and how it waits, on the test's own clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from qhas.devices.facts import Health
from qhas.devices.gate import Objection, objections, wait_until_fit
from qhas.devices.health import Probe
from qhas.devices.identity import IdentityEvidence
from qhas.failures import FailureKind
from qhas.site import Gate

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def health(**facts: Any) -> Health:
    return Health(taken_at=NOW, **facts)


def test_unknown_values_never_object() -> None:
    strict = Gate(thermal_status=0, skin_celsius=-40, chip_celsius=-40, battery_percent=100, free_mb=10**9)
    assert objections(health(), strict, 10**12) == []


def test_values_at_the_limit_do_not_object() -> None:
    at = health(
        thermal_status=0,
        skin_celsius=40.0,
        celsius={"npu/nsp0": 75.0},
        battery_percent=30,
        free_bytes=500_000_000,
    )
    assert objections(at, Gate()) == []


@pytest.mark.parametrize(
    ("facts", "kind", "sentence"),
    [
        ({"thermal_status": 2}, FailureKind.DEVICE_HOT, "Its thermal status is at 2; the gate allows 0."),
        ({"skin_celsius": 43.1}, FailureKind.DEVICE_HOT, "Its skin is at 43.1 °C; the gate allows 40 °C."),
        (
            {"celsius": {"npu/nsp0": 81.5, "cpu/cpu-0": 80, "other/x": 99, "skin/s": 99}},
            FailureKind.DEVICE_HOT,
            "Its sensor npu/nsp0 is at 81.5 °C; the gate allows 75 °C.",
        ),
        (
            {"battery_percent": 29},
            FailureKind.DEVICE_BATTERY_LOW,
            "Its battery is at 29 %; the gate requires 30 %.",
        ),
        (
            {"battery_percent": 29, "charging": False},
            FailureKind.DEVICE_BATTERY_LOW,
            "Its battery is at 29 % and not charging; the gate requires 30 %.",
        ),
        (
            {"free_bytes": 499_999_999},
            FailureKind.DEVICE_FULL,
            "Its directory has 499 MB free; 500 MB are needed.",
        ),
    ],
)
def test_a_value_beyond_its_limit_objects_in_one_sentence(
    facts: dict[str, Any], kind: FailureKind, sentence: str
) -> None:
    hopeless = kind is FailureKind.DEVICE_FULL or facts.get("charging") is False
    assert objections(health(**facts), Gate()) == [Objection(kind, sentence, not hopeless)]


def test_the_free_space_of_the_gate_must_remain_beside_what_is_pushed() -> None:
    found = objections(health(free_bytes=700_000_000), Gate(free_mb=500), 300_000_000)
    assert [objection.sentence for objection in found] == [
        "Its directory has 700 MB free; 800 MB are needed, 300 MB of it for files to be pushed."
    ]


def test_what_waiting_cannot_change_comes_first() -> None:
    found = objections(health(thermal_status=3, battery_percent=1, free_bytes=0), Gate())
    assert [objection.kind for objection in found] == [
        FailureKind.DEVICE_FULL,
        FailureKind.DEVICE_HOT,
        FailureKind.DEVICE_BATTERY_LOW,
    ]


# Waiting, on the bench's own clock.


class Bench:
    """A device that returns one reading after another, and a clock that advances only with sleeps and looks."""

    def __init__(self, *readings: Health, look_seconds: float = 0.0) -> None:
        self.now = 100.0
        self.looks = 0
        self.pauses: list[float] = []
        self.heard: list[tuple[str, float]] = []
        self._readings = readings
        self._look_seconds = look_seconds

    async def read(self) -> Probe:
        self.now += self._look_seconds
        self.looks += 1
        reading = self._readings[min(self.looks, len(self._readings)) - 1]
        return Probe(reading, IdentityEvidence(), None, None)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def wait(self, gate: Gate) -> tuple[Probe, float, list[Objection]]:
        return await wait_until_fit(
            self.read,
            gate,
            waiting=lambda left, waited: self.heard.append((left[0].sentence, waited)),
            clock=lambda: self.now,
            sleep=self.sleep,
        )


async def test_a_fit_device_is_taken_at_the_first_look() -> None:
    bench = Bench(health(thermal_status=0), look_seconds=3.0)
    _, waited, left = await bench.wait(Gate())
    assert (waited, left, bench.looks, bench.pauses, bench.heard) == (0.0, [], 1, [], [])


async def test_a_hot_device_is_taken_when_it_has_cooled_down() -> None:
    bench = Bench(health(skin_celsius=45), health(skin_celsius=42), health(skin_celsius=39))
    probe, waited, left = await bench.wait(Gate(poll_seconds=10))
    assert (probe.health.skin_celsius, waited, left) == (39, 20.0, [])
    assert bench.heard == [
        ("Its skin is at 45 °C; the gate allows 40 °C.", 0.0),
        ("Its skin is at 42 °C; the gate allows 40 °C.", 10.0),
    ]


async def test_patience_ends_with_what_is_still_in_the_way() -> None:
    bench = Bench(health(skin_celsius=45))
    _, waited, left = await bench.wait(Gate(patience_seconds=25, poll_seconds=10))
    assert (waited, [objection.kind for objection in left]) == (25.0, [FailureKind.DEVICE_HOT])
    assert bench.pauses == [10, 10, 5]


async def test_without_patience_there_is_one_look() -> None:
    bench = Bench(health(skin_celsius=45))
    _, waited, left = await bench.wait(Gate(patience_seconds=0))
    assert (waited, len(left), bench.looks) == (0.0, 1, 1)


@pytest.mark.parametrize("hopeless", [{"free_bytes": 0}, {"battery_percent": 5, "charging": False}])
async def test_what_waiting_cannot_change_ends_the_wait_at_once(hopeless: dict[str, Any]) -> None:
    bench = Bench(health(skin_celsius=45), health(skin_celsius=45, **hopeless))
    _, waited, left = await bench.wait(Gate(poll_seconds=10))
    assert (waited, bench.looks, left[0].passes_by_waiting) == (10.0, 2, False)


async def test_what_a_look_raises_ends_the_wait() -> None:
    async def gone() -> Probe:
        raise ConnectionError("offline")

    read: Callable[[], Awaitable[Probe]] = gone
    with pytest.raises(ConnectionError):
        await wait_until_fit(read, Gate())
