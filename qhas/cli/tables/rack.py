"""What `qhas devices` shows: a table that fits 100 columns, then what is wrong, device by device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhas.devices.facts import Health, chip_celsius
from qhas.devices.lease import Holder
from qhas.site import Transport
from qhas.units import number
from qhas.upkeep.rack import CHECK_RUN, Check, Outcome, Standing

_COLOURS = {
    Outcome.GOOD: "green",
    Outcome.SIMULATED: "dim",
    Outcome.BUSY: "yellow",
    Outcome.FAILED: "red",
}


def show_standings(console: Console, devices: Sequence[Standing], now: datetime) -> None:
    """Print the devices of a site and who uses them."""
    table = _table("device", "SoC", "transport", "address")
    table.add_column("state", overflow="fold")
    for device in devices:
        address = device.address.partition(":")[2]
        table.add_row(*map(Text, (device.name, device.soc, device.transport, address)), state(device, now))
    console.print(table)


def state(device: Standing, now: datetime) -> Text:
    """Say who uses a device or why it cannot be used, since when, and how many are waiting for it."""
    lease, parts = device.lease, list[Text]()
    if lease.holder:
        parts.append(Text(held_by(lease.holder, now), "yellow"))
    if lease.stranger:
        parts.append(Text(f"locked by {lease.stranger} for an unknown purpose", "yellow"))
    if aside := lease.quarantine:
        told = (
            f"quarantined {_since(aside.since, now)} after {aside.failures} failures, until "
            f"{aside.until:%H:%M:%S} UTC: {aside.reason.removeprefix(f'{device.name}: ')}"
        )
        parts.append(Text(told, "red"))
    if not parts:
        parts.append(_idle(device))
    if device.probation:
        parts.append(Text(f"on probation: {device.probation.reason}", "yellow"))
    if lease.waiting:
        parts.append(Text(f"{len(lease.waiting)} waiting"))
    return Text("; ").join(parts)


def _idle(device: Standing) -> Text:
    if device.transport is Transport.HOST:
        return Text("simulated on this host", "dim")
    return Text("free", "green") if device.used else Text("never used from this host", "dim")


def held_by(holder: Holder, now: datetime) -> str:
    """Say who holds a device, and since when."""
    if holder.run_id == CHECK_RUN:
        return f"being checked by {holder.host_user} {_since(holder.since, now)}"
    return f"held by run {holder.run_id}, {holder.cell}, {_since(holder.since, now)}"


def _since(moment: datetime, now: datetime) -> str:
    day = "" if moment.date() == now.date() else f"{moment:%Y-%m-%d} "
    return f"since {day}{moment:%H:%M:%S} UTC ({duration(now - moment)})"


def duration(span: timedelta) -> str:
    """Format a time span, as in `45 s`, `12 min`, `3 h 5 min`."""
    seconds = max(0, int(span.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def show_checks(console: Console, checks: Sequence[Check], now: datetime) -> None:
    """Print the condition of the devices, then what is wrong or doubtful about each."""
    table = _table("device", "SoC", "hexagon")
    for name in ("skin", "chip", "thermal", "battery\n+ charging", "free"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("result", overflow="fold")
    for check in checks:
        soc = check.facts.detected_soc or check.facts.soc
        known = map(Text, (check.name, soc, check.facts.hexagon or "", *_readings(check.health)))
        table.add_row(*known, _result(check))
    console.print(table)
    for check in checks:
        for line in _remarks(check, now):
            console.print(line, soft_wrap=True)


def _result(check: Check) -> Text:
    word = check.failure.kind.value if check.failure else check.outcome.value
    return Text(word, _COLOURS[check.outcome])


def _readings(health: Health | None) -> tuple[str, ...]:
    if health is None:
        return ("",) * 5
    return (
        _figure(health.skin_celsius, " °C"),
        _figure(chip_celsius(health), " °C"),
        _figure(health.thermal_status),
        _figure(health.battery_percent, "%") + ("+" if health.charging else ""),
        _figure(health.free_bytes and round(health.free_bytes / 1e9, 1), " GB"),
    )


def _figure(value: float | None, unit: str = "") -> str:
    return "?" if value is None else f"{number(f'{value:g}')}{unit}"


def _remarks(check: Check, now: datetime) -> list[Text]:
    """Return the lines below the table; each failure comes with its next step."""
    lines = []
    if check.failure:
        lines.append(
            Text.assemble((check.failure.kind, "red"), f" {check.failure.message} {check.failure.hint}")
        )
    if check.outcome is Outcome.BUSY:
        who = held_by(check.holder, now) if check.holder else "held by someone else"
        lines.append(Text.assemble(("busy", "yellow"), f" {check.name} is {who}; it was not checked."))
    if check.brought_back:
        lines.append(
            Text.assemble(("back", "green"), f" {check.name} had been quarantined and may be used again.")
        )
    lines += [
        Text.assemble(("note", "yellow"), f" {check.name}: {warning}") for warning in check.facts.warnings
    ]
    if check.facts.build:
        lines.append(Text(f"{check.name}: {check.facts.build}", "dim"))
    return lines


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name != "address")
    return table
