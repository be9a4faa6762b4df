"""A phone's states as adb's server reports them in turn, from a fake client that reads them from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qhas.devices import adb
from qhas.devices.adb import AdbShell
from qhas.failures import DeviceFailed, FailureKind

OFFLINE = "error: device offline"
CONNECTING = "error: device still connecting"
AUTHORIZING = "error: device still authorizing"
UNAUTHORIZED = "error: device unauthorized."
AWAY = "error: device '10.0.0.5:5555' not found"

CLIENT = """#!/bin/sh
cd {folder}
echo "$@" >> asked
[ "$3" = get-state ] || exit 0
head -n 1 states
[ "$(wc -l < states)" = 1 ] || sed -i 1d states
"""

Phone = Callable[..., AdbShell]


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Phone:
    """Open a phone by its serial; each look sees the next of its states, and the last one persists."""
    client = tmp_path / "adb"
    client.write_text(CLIENT.format(folder=tmp_path))
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(adb, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(adb, "_SETTLE_SECONDS", 600.0)

    def of(serial: str, *states: str) -> AdbShell:
        (tmp_path / "states").write_text("".join(f"{state}\n" for state in states))
        return AdbShell("op13", serial, tmp_path, 600)

    return of


def asked(folder: Path, deed: str) -> int:
    return (folder / "asked").read_text().count(deed)


@pytest.mark.parametrize("serial", ["3b15aq0", "10.0.0.5:5555"])
@pytest.mark.parametrize("passing", [OFFLINE, CONNECTING, AUTHORIZING, "connecting", "authorizing"])
async def test_a_phone_on_its_way_is_not_told_as_away(phone: Phone, serial: str, passing: str) -> None:
    await phone(serial, passing, passing, "device").require_answer()


async def test_a_phone_of_the_network_that_was_just_connected_is_waited_for(
    phone: Phone, tmp_path: Path
) -> None:
    await phone("10.0.0.5:5555", AWAY, OFFLINE, AUTHORIZING, "device").require_answer()
    assert asked(tmp_path, "disconnect") == 1


@pytest.mark.parametrize("serial", ["3b15aq0", "10.0.0.5:5555"])
async def test_a_phone_that_boots_long_is_waited_for_through_its_authorizing(
    phone: Phone, serial: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adb, "_SETTLE_SECONDS", 0.0)
    shell = phone(serial, AWAY, AWAY, CONNECTING, AUTHORIZING, AUTHORIZING, AUTHORIZING, "device")
    await shell.connect(comeback_seconds=600)
    assert (tmp_path / "states").read_text() == "device\n"


async def test_a_phone_that_asks_for_leave_is_not_waited_for(phone: Phone, tmp_path: Path) -> None:
    shell = phone("10.0.0.5:5555", AWAY, AUTHORIZING, UNAUTHORIZED)
    await shell.connect(comeback_seconds=600)
    with pytest.raises(DeviceFailed, match="device unauthorized") as failed:
        await shell.require_answer()
    assert failed.value.kind is FailureKind.DEVICE_UNAUTHORIZED
    assert asked(tmp_path, "disconnect") == 1


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (OFFLINE, FailureKind.DEVICE_OFFLINE),
        (AWAY, FailureKind.DEVICE_OFFLINE),
        (AUTHORIZING, FailureKind.DEVICE_UNAUTHORIZED),
    ],
)
async def test_a_phone_that_stays_as_it_is_is_told_so(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, state: str, kind: FailureKind
) -> None:
    monkeypatch.setattr(adb, "_SETTLE_SECONDS", 0.05)
    with pytest.raises(DeviceFailed) as failed:
        await phone("10.0.0.5:5555", state).require_answer()
    assert failed.value.kind is kind
