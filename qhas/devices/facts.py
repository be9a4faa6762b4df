"""The facts recorded about a device with every result: what it is, and its condition before and after."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from qhas.documents import Moment, Stored
from qhas.outside_text import ShownText


class Part(StrEnum):
    """What a sensor is attached to: the first half of its name in `Health.celsius`, as in `cpu/cpu-0-0-usr`."""

    CPU = "cpu"
    """A CPU."""
    GPU = "gpu"
    """The GPU."""
    NPU = "npu"
    """The Hexagon NPU, by any of its names."""
    SKIN = "skin"
    """The outside of the device, measured or modelled."""
    BATTERY = "battery"
    """The battery."""
    OTHER = "other"
    """Anything else, or not reported."""


class DeviceFacts(Stored):
    """The device a cell ran on. `soc` is the site's; `detected_soc` and `build` are what the device reports."""

    name: str
    soc: str
    transport: str
    address: str | None = None
    detected_soc: ShownText | None = None
    build: ShownText | None = None
    hexagon: ShownText | None = None
    warnings: list[ShownText] = []


class Health(Stored):
    """A device's condition at one moment; None for what it does not report."""

    taken_at: Moment
    thermal_status: int | None = Field(default=None, description="Android's scale: 0 none to 6 shutdown.")
    celsius: dict[ShownText, float] = Field(default={}, description="Temperature by sensor.")
    skin_celsius: float | None = None
    battery_percent: int | None = None
    charging: bool | None = None
    free_bytes: int | None = None
    uptime_seconds: float | None = None
    boot_id: str | None = None


class HealthFacts(Stored):
    """The condition before and after the runs of a cell, and how long its start waited for the gate, in seconds."""

    before: Health
    after: Health | None = None
    waited_seconds: float = 0.0


_CHIP = (Part.CPU, Part.GPU, Part.NPU)


def hottest_of_chip(health: Health) -> tuple[float, str] | None:
    """Return the hottest CPU, GPU or NPU sensor's value in °C and its name; None if the device reports none."""
    sensors = ((value, name) for name, value in health.celsius.items() if name.partition("/")[0] in _CHIP)
    return max(sensors, default=None)


def chip_celsius(health: Health) -> float | None:
    """Return the temperature of the hottest CPU, GPU or NPU sensor; None if the device reports none."""
    hottest = hottest_of_chip(health)
    return hottest[0] if hottest else None
