"""A device's condition: one script that queries everything, and its answer parsed into values.

Values that a device does not report are None. The formats are those of AOSP's services (`ThermalManagerService.dump`,
`BatteryService.dump`) and of the kernel's sysfs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import NamedTuple

from qhas.devices.facts import Health, Part
from qhas.devices.identity import IdentityEvidence

# android.hardware.thermal TemperatureType. The BCL types are voltage, current and percent, not temperatures.
_HAL_PARTS = {0: Part.CPU, 1: Part.GPU, 2: Part.BATTERY, 3: Part.SKIN, 9: Part.NPU}
_HAL_BCL = (6, 7, 8)

_ZONE_PARTS = (
    (Part.SKIN, r"skin"),
    (Part.BATTERY, r"batt"),
    (Part.NPU, r"(?<![a-z])(nsp|npu|cdsp|hvx|hmx)"),
    (Part.GPU, r"(?<![a-z])gpu"),
    (Part.CPU, r"(?<![a-z])(cpu|apc|apss)"),
)
# Qualcomm also registers battery currents, voltages and the state of charge as thermal zones.
_NO_TEMPERATURE = re.compile(r"ibat|vbat|vph|bcl|lvl|^soc$")

_PROPERTIES = (
    "ro.soc.model",
    "ro.soc.manufacturer",
    "ro.board.platform",
    "ro.build.fingerprint",
    "ro.build.version.release",
)

_COMMANDS = {
    "clock": "date +%s",
    "uptime": "cat /proc/uptime",
    "boot": "cat /proc/sys/kernel/random/boot_id",
    "free": """\
d=/${1#/}
until [ -d "$d/" ]; do d=${d%/*}; done
df -kP "$d/" || df -k "$d/\"""",
    "thermal": "dumpsys thermalservice",
    "battery": "dumpsys battery",
    "zones": """\
for z in /sys/class/thermal/thermal_zone*; do
  n= t=
  read -r n <"$z/type"
  read -r t <"$z/temp"
  [ -n "$n" ] && [ -n "$t" ] && echo "$t $n"
done""",
    "supplies": """\
for s in /sys/class/power_supply/*; do
  c= k= o= u=
  read -r c <"$s/capacity"
  read -r k <"$s/type"
  read -r o <"$s/scope"
  read -r u <"$s/status"
  [ -n "$c" ] && echo "$c ${k:-Unknown} ${o:-System} $u"
done""",
    "properties": f'for p in {" ".join(_PROPERTIES)}; do\n  echo "$p=$(getprop $p)"\ndone',
    "soc": """\
for f in soc_id machine family; do
  v=
  read -r v <"/sys/devices/soc0/$f" || { [ $f = soc_id ] && read -r v </sys/devices/system/soc/soc0/id; }
  echo "$f=$v"
done""",
    "compatible": "cat /proc/device-tree/compatible",
    "board": "cat /proc/device-tree/model",
    "os": "grep '^PRETTY_NAME=' /etc/os-release",
    "kernel": "uname -r",
}
"""The command of each section, using few processes: a phone has a hundred thermal zones."""

_SECTION = re.compile(r"^==qhas ([a-z]+)==[ \t\r]*$", re.MULTILINE)

# One compound command: the shell reads the whole script before it runs any of it, so the script can be passed on
# standard input without its own commands consuming the rest.
PROBE = "\n".join(
    [
        "export LC_ALL=C",
        "{",
        *(f"echo; echo '==qhas {name}=='\n{command}" for name, command in _COMMANDS.items()),
        "} </dev/null 2>/dev/null",
        "exit 0\n",
    ]
)
"""A script for any POSIX sh (mksh and toybox, busybox, dash). `$1` is the directory whose free space is requested; if
it does not exist, its nearest existing parent is used. Anything the device lacks is an empty section; the exit code
is 0."""


@dataclass(frozen=True)
class Probe:
    """A device's answer. `clock` is its own, in seconds since the epoch; `build` names its software."""

    health: Health
    identity: IdentityEvidence
    build: str | None
    clock: int | None


def parse_probe(text: str, taken_at: datetime) -> Probe:
    """Parse the answer to `PROBE`. Never raises: what cannot be read is None."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n")
    _, *parts = _SECTION.split(text)
    answers = dict.fromkeys(_COMMANDS, "") | dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    clock = _first(r"([0-9]{1,12})$", answers["clock"])
    return Probe(
        _health(answers, taken_at), _identity(answers), _build(answers), int(clock) if clock else None
    )


def _first(pattern: str, text: str) -> str | None:
    """Return the group of the first line that matches from its start, ignoring leading blanks."""
    match = re.search(rf"^[ \t]*{pattern}", text, re.MULTILINE)
    return match[1] if match else None


def _health(answers: Mapping[str, str], taken_at: datetime) -> Health:
    hal, zones = list(_hal_sensors(answers["thermal"])), list(_zone_sensors(answers["zones"]))
    skin = [sensor.celsius for sensor in (*hal, *zones) if sensor.part is Part.SKIN]
    percent, charging = _android_battery(answers["battery"]) or _linux_battery(answers["supplies"])
    status = _first(r"Thermal Status: *([0-6])\b", answers["thermal"])
    uptime = _first(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)\b", answers["uptime"])
    return Health(
        taken_at=taken_at,
        thermal_status=int(status) if status else None,
        celsius=_by_name([*hal, *zones, *_battery_sensor(answers["battery"])]),
        skin_celsius=max(skin, default=None),
        battery_percent=percent,
        charging=charging,
        free_bytes=_free_bytes(answers["free"]),
        uptime_seconds=float(uptime) if uptime else None,
        boot_id=_first(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$", answers["boot"]),
    )


class _Sensor(NamedTuple):
    part: Part
    name: str
    celsius: float


def _by_name(sensors: list[_Sensor]) -> dict[str, float]:
    """Return each sensor's value under a unique name: boards have many zones of one type."""
    named: dict[str, float] = {}
    for sensor in sensors:
        base = name = f"{sensor.part}/{' '.join(sensor.name.split())[:60]}"
        numbers = count(2)
        while name in named:
            name = f"{base}#{next(numbers)}"
        named[name] = sensor.celsius
    return named


def _plausible(celsius: float) -> bool:
    return -40.0 <= celsius <= 150.0


_HAL_LINE = re.compile(
    r"\bTemperature\{mValue=(-?[0-9]{1,6}(?:\.[0-9]{1,12})?), *mType=(-?[0-9]{1,4}), *mName=([^\n]*?), *mStatus="
)


def _hal_sensors(dump: str) -> Iterator[_Sensor]:
    """Yield Android's current sensor values. Cached ones date from the last status change: used only if alone."""
    _, heading, current = dump.partition("Current temperatures from HAL:")
    region = current.partition("Cached temperatures:")[0] if heading else dump
    for value, kind, name in _HAL_LINE.findall(region):
        if int(kind) not in _HAL_BCL and _plausible(float(value)):
            yield _Sensor(_HAL_PARTS.get(int(kind), Part.OTHER), name, float(value))


def _zone_sensors(lines: str) -> Iterator[_Sensor]:
    """Yield the kernel's sensors, in thousandths of a degree or, with some vendors' drivers, in whole degrees."""
    for value, name in re.findall(r"^(-?[0-9]{1,9}) +(\S.*)$", lines, re.MULTILINE):
        celsius = int(value) / 1000 if abs(int(value)) >= 1000 else float(value)
        if _plausible(celsius) and not _NO_TEMPERATURE.search(name.lower()):
            parts = (part for part, pattern in _ZONE_PARTS if re.search(pattern, name.lower()))
            yield _Sensor(next(parts, Part.OTHER), name, celsius)


def _battery_sensor(dump: str) -> Iterator[_Sensor]:
    tenths = _first(r"temperature: *(-?[0-9]{1,4})$", dump)
    if tenths and _plausible(celsius := int(tenths) / 10):
        yield _Sensor(Part.BATTERY, "pack", celsius)


# BatteryManager.BATTERY_STATUS_*: charging, discharging, not charging, full.
_ANDROID_CHARGING = {"2": True, "3": False, "4": False, "5": False}
_LINUX_CHARGING = {"Charging": True, "Discharging": False, "Not charging": False, "Full": False}


def _android_battery(dump: str) -> tuple[int | None, bool | None] | None:
    """Return the level in percent and whether it is charging; None without a battery service.

    A board's service may report no battery.
    """
    if _first(r"present: *(false)$", dump):
        return None, None
    level, scale = (_first(rf"{field}: *([0-9]{{1,6}})$", dump) for field in ("level", "scale"))
    if level is None:
        return None
    percent = round(100 * int(level) / (int(scale or 100) or 100))
    powered = re.findall(r"^ *(?:AC|USB|Wireless|Dock) powered: *(true|false)$", dump, re.MULTILINE)
    by_power = "true" in powered if powered else None
    charging = _ANDROID_CHARGING.get(_first(r"status: *([0-9])$", dump) or "", by_power)
    return percent if percent <= 100 else None, charging


def _linux_battery(lines: str) -> tuple[int | None, bool | None]:
    """Return the same for the system's first battery, ignoring those of peripherals such as pens and mice."""
    match = re.search(r"^(100|[0-9]{1,2}) Battery (?!Device\b)\S+ *(.*)$", lines, re.MULTILINE)
    return (int(match[1]), _LINUX_CHARGING.get(match[2].strip())) if match else (None, None)


def _free_bytes(df: str) -> int | None:
    """Return the available space reported by `df -k`; after a long device name the figures are on the next line."""
    if not re.search(r"\b(1K|1024)-blocks\b", df):
        return None
    match = re.search(r"\s[0-9]{1,15}\s+[0-9]{1,15}\s+([0-9]{1,15})\s+[0-9]{1,3}%", df)
    return int(match[1]) * 1024 if match else None


def _pairs(text: str) -> dict[str, str]:
    """Parse lines of `name=value`, leaving out those without a value."""
    lines = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines if value.strip()}


def _identity(answers: Mapping[str, str]) -> IdentityEvidence:
    properties, soc = _pairs(answers["properties"]), _pairs(answers["soc"])
    number = _first(r"([0-9]{1,9})$", soc.get("soc_id", ""))
    return IdentityEvidence(
        soc_model=properties.get("ro.soc.model"),
        manufacturer=properties.get("ro.soc.manufacturer"),
        platform=properties.get("ro.board.platform"),
        soc_id=int(number) if number else None,
        machine=soc.get("machine"),
        family=soc.get("family"),
        compatible=tuple(
            entry.strip() for entry in re.split(r"[\0\n]", answers["compatible"]) if entry.strip()
        ),
        board=answers["board"].strip("\0 \n") or None,
    )


def _build(answers: Mapping[str, str]) -> str | None:
    """Return Android's fingerprint, else distribution and kernel."""
    properties = _pairs(answers["properties"])
    if fingerprint := properties.get("ro.build.fingerprint"):
        return fingerprint
    release = properties.get("ro.build.version.release")
    system = f"Android {release}" if release else _pairs(answers["os"]).get("PRETTY_NAME", "").strip("\"'")
    kernel = f"Linux {answers['kernel']}" if answers["kernel"] else ""
    return ", ".join(filter(None, (system, kernel))) or None
