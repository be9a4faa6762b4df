"""Every known message from adb and ssh has one meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.devices import phone
from qhas.devices.adb import AdbShell
from qhas.devices.adb import open_shell as open_adb
from qhas.devices.ssh import SshShell
from qhas.failures import DeviceFailed, FailureKind
from qhas.site import DeviceRef

NO_PHONE = phone.why_unavailable()


def adb_shell(folder: Path) -> AdbShell:
    return AdbShell("op13", "3b15aq0", folder, 5)


def ssh_shell(folder: Path) -> SshShell:
    return SshShell("board-7", "root@10.0.0.7", folder, 5)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: device offline", FailureKind.DEVICE_OFFLINE),
        ("error: device '3b15aq0' not found", FailureKind.DEVICE_OFFLINE),
        ("error: no devices/emulators found", FailureKind.DEVICE_OFFLINE),
        ("error: closed", FailureKind.DEVICE_OFFLINE),
        ("error: device still connecting", FailureKind.DEVICE_OFFLINE),
        (
            "error: protocol fault (couldn't read status): Connection reset by peer",
            FailureKind.DEVICE_OFFLINE,
        ),
        ("adb: error: failed to read copy response", FailureKind.DEVICE_OFFLINE),
        ("", FailureKind.DEVICE_OFFLINE),
        (
            "error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\n"
            "Otherwise check for a confirmation dialog on your device.",
            FailureKind.DEVICE_UNAUTHORIZED,
        ),
        ("error: device still authorizing", FailureKind.DEVICE_UNAUTHORIZED),
        (
            "error: insufficient permissions for device: missing udev rules? user is in the plugdev group",
            FailureKind.DEVICE_UNAUTHORIZED,
        ),
        ("* cannot connect to daemon at tcp:5037: Connection refused", FailureKind.CLIENT_BROKEN),
        ("adb: failed to check server version: cannot connect to daemon", FailureKind.CLIENT_BROKEN),
        (
            "adb: error: failed to copy 'm' to '/data/local/tmp/m': remote couldn't create file: "
            "Permission denied",
            FailureKind.DEVICE_UNFIT,
        ),
        (
            "adb: error: failed to copy 'm' to '/data/local/tmp/m': remote write failed: No space left on device",
            FailureKind.DEVICE_FULL,
        ),
        ("adb: error: couldn't create file: Read-only file system", FailureKind.DEVICE_UNFIT),
    ],
)
def test_a_message_of_adb_has_one_meaning(tmp_path: Path, said: str, kind: FailureKind) -> None:
    assert adb_shell(tmp_path).lost(said, "a command").kind is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ssh: connect to host 10.0.0.7 port 22: Connection refused", FailureKind.DEVICE_OFFLINE),
        ("ssh: connect to host 10.0.0.7 port 22: No route to host", FailureKind.DEVICE_OFFLINE),
        ("ssh: connect to host 10.0.0.7 port 22: Connection timed out", FailureKind.DEVICE_OFFLINE),
        ("ssh: Could not resolve hostname board-7: Name or service not known", FailureKind.DEVICE_OFFLINE),
        ("Timeout, server 10.0.0.7 not responding.", FailureKind.DEVICE_OFFLINE),
        ("client_loop: send disconnect: Broken pipe", FailureKind.DEVICE_OFFLINE),
        ("kex_exchange_identification: Connection closed by remote host", FailureKind.DEVICE_OFFLINE),
        ("mux_client_request_session: read from master failed: Broken pipe", FailureKind.DEVICE_OFFLINE),
        ("root@10.0.0.7: Permission denied (publickey,password).", FailureKind.DEVICE_UNAUTHORIZED),
        ("Host key verification failed.", FailureKind.DEVICE_UNAUTHORIZED),
        ("Received disconnect: Too many authentication failures", FailureKind.DEVICE_UNAUTHORIZED),
        ("/home/me/.ssh/config: line 3: Bad configuration option: foo", FailureKind.CLIENT_BROKEN),
        ("Bad owner or permissions on /home/me/.ssh/config", FailureKind.CLIENT_BROKEN),
        ("sh: can't create /opt/qhas/x: Permission denied", FailureKind.DEVICE_UNFIT),
        ("cat: write error: No space left on device", FailureKind.DEVICE_FULL),
    ],
)
def test_a_message_of_ssh_has_one_meaning(tmp_path: Path, said: str, kind: FailureKind) -> None:
    assert ssh_shell(tmp_path).lost(said, "a command").kind is kind


def test_the_message_quotes_the_line_that_settled_it(tmp_path: Path) -> None:
    said = "error: device unauthorized.\nOtherwise check for a confirmation dialog on your device."
    assert (
        str(adb_shell(tmp_path).lost(said, "a command"))
        == "op13: a command failed: error: device unauthorized."
    )


async def test_a_client_that_is_not_installed_is_no_fault_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for shell in (adb_shell(tmp_path), ssh_shell(tmp_path)):
        with pytest.raises(DeviceFailed, match="cannot be executed") as failed:
            await shell.output_of("true")
        assert failed.value.kind is FailureKind.CLIENT_BROKEN


@pytest.mark.parametrize(
    "serial", ["adb-3b15aq0-Xy1 (2)._adb-tls-connect._tcp", "adb-X (2)._adb-tls-connect._tcp.", "a  b", "7"]
)
async def test_a_serial_with_blanks_and_brackets_is_one_argument_of_adb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serial: str
) -> None:
    client = tmp_path / "adb"
    client.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/asked\nfor line; do :; done\nexec sh -c "$line"\n'
    )
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ref = DeviceRef.model_validate({"name": "op13", "soc": "sm8750", "transport": "adb", "serial": serial})
    assert await open_adb(ref, tmp_path).output_of("echo well") == "well\n"
    assert (tmp_path / "asked").read_text().splitlines()[:3] == ["-s", serial, "shell"]


@pytest.mark.parametrize(
    "serial", ["-s", " adb-X", "adb-X ", "adb;reboot", "a\tb", "a\nb", "$(id)", "(2)", ""]
)
def test_a_serial_that_adb_never_lists_is_refused(serial: str) -> None:
    with pytest.raises(ValidationError, match="serial"):
        DeviceRef.model_validate({"name": "op13", "soc": "sm8750", "transport": "adb", "serial": serial})


async def test_an_adb_server_that_is_not_there_is_no_fault_of_the_device(tmp_path: Path) -> None:
    if NO_PHONE:
        pytest.skip(NO_PHONE)
    with pytest.raises(DeviceFailed) as failed:
        await AdbShell("op13", "3b15aq0", tmp_path, 10, "127.0.0.1:9").output_of("true")
    assert failed.value.kind is FailureKind.CLIENT_BROKEN
