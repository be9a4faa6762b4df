"""The fake phone, driven by the real adb, fails as its faults say."""

import subprocess
from pathlib import Path

import pytest

from fakes.devices import AdbServer, DeviceFault, DeviceGone, DeviceRule, Phone
from fakes.devices.phone import why_unavailable
from tests.fakes.phones import SCRATCH, Adb, connected, until

WHY = why_unavailable()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(WHY is not None, reason=WHY or "")]


def test_a_full_phone_refuses_a_push_and_keeps_no_part_of_it(server: AdbServer, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(2_000_000))
    with Phone.start(tmp_path / "small", data_bytes=1_000_000) as phone:
        adb = connected(server, phone)
        refused = adb("push", str(big), f"{SCRATCH}/big")
        assert refused.returncode == 1
        assert b"No space left on device" in refused.stdout + refused.stderr
        assert phone.files() == []
        assert b"No space left" in adb("shell", f"head -c 2000000 /dev/zero >{SCRATCH}/zero").stderr
        assert phone.commands()[0].exit_code == 1
        server.adb("disconnect", phone.serial)


def test_a_dropped_connection_cuts_the_command_and_can_be_made_again(
    server: AdbServer, phone: Phone, adb: Adb
) -> None:
    phone.order(DeviceRule("sleep", DeviceFault.DROP, after_seconds=0.1))
    done = adb("shell", f"sleep 5; touch {SCRATCH}/done")
    assert done.stdout == b""
    assert server.states()[phone.serial] == "offline"
    server.connect(phone)
    assert adb("shell", "echo again").stdout == b"again\n"
    assert phone.commands()[0].fault is DeviceFault.DROP


def test_a_fault_without_delay_strikes_before_the_command_runs(
    server: AdbServer, phone: Phone, adb: Adb
) -> None:
    phone.order(DeviceRule("touch", DeviceFault.DROP))
    adb("shell", f"touch {SCRATCH}/x")
    assert phone.files() == []
    server.connect(phone)
    adb("shell", f"touch {SCRATCH}/x")
    assert phone.files() == ["x"]


def test_an_offline_phone_answers_nobody_until_it_recovers(server: AdbServer, phone: Phone, adb: Adb) -> None:
    phone.order(DeviceRule("echo", DeviceFault.OFFLINE))
    adb("shell", "echo")
    with pytest.raises(TimeoutError):
        server.connect(phone, timeout=0.3)
    phone.recover()
    server.connect(phone)
    assert adb("shell", "echo back").stdout == b"back\n"


def test_an_unauthorised_phone_takes_no_key_until_it_recovers(
    server: AdbServer, phone: Phone, adb: Adb
) -> None:
    phone.order(DeviceRule("echo", DeviceFault.UNAUTHORISED))
    adb("shell", "echo")

    def refused() -> bool:
        with pytest.raises(TimeoutError):
            server.connect(phone, timeout=0.3)
        return server.states().get(phone.serial) == "unauthorized"

    until(refused)  # on a busy machine the client is cut off before the server has heard of the phone
    assert b"unauthorized" in adb("shell", "echo").stderr
    phone.recover()
    server.connect(phone)


def test_a_dead_phone_refuses_connections_until_it_boots_again(
    server: AdbServer, phone: Phone, adb: Adb
) -> None:
    phone.order(DeviceRule("sleep", DeviceFault.DIE, after_seconds=0.1))
    adb("shell", f"touch {SCRATCH}/kept; sleep 5")
    until(lambda: not phone.alive)
    with pytest.raises(DeviceGone):
        phone.recover()
    phone.reboot()
    assert phone.processes() == []
    server.connect(phone)
    assert phone.files() == ["kept"]


@pytest.mark.parametrize("way", ["push", "pull"])
def test_a_cut_transfer_fails(server: AdbServer, phone: Phone, adb: Adb, tmp_path: Path, way: str) -> None:
    here, there = tmp_path / "net.dlc", f"{SCRATCH}/net.dlc"
    here.write_bytes(bytes(1_000_000))
    if way == "pull":
        adb("push", str(here), there)
    phone.order(DeviceRule(f"{way} net.dlc", DeviceFault.CUT_TRANSFER, after_bytes=300_000))
    words = (str(here), there) if way == "push" else (there, str(tmp_path / "back"))
    assert adb(way, *words).returncode == 1
    server.connect(phone)
    assert adb(way, *words).returncode == 0


@pytest.mark.parametrize("way", ["push", "pull"])
def test_a_corrupt_transfer_changes_one_byte_and_succeeds(
    phone: Phone, adb: Adb, tmp_path: Path, way: str
) -> None:
    here, there = tmp_path / "net.dlc", f"{SCRATCH}/net.dlc"
    here.write_bytes(bytes(200_000))
    phone.order(DeviceRule(f"{way} net.dlc", DeviceFault.CORRUPT_TRANSFER, after_bytes=70_000))
    assert adb("push", str(here), there).returncode == 0
    assert adb("pull", there, str(tmp_path / "back")).returncode == 0
    back = (tmp_path / "back").read_bytes()
    assert [at for at, byte in enumerate(back) if byte] == [70_000]


def test_a_read_only_phone_can_be_read(phone: Phone, adb: Adb, tmp_path: Path) -> None:
    adb("shell", f"echo here >{SCRATCH}/x")
    phone.order(DeviceRule("true", DeviceFault.READ_ONLY))
    assert adb("shell", "true").returncode == 0
    (tmp_path / "y").write_bytes(b"y")
    assert b"Read-only file system" in adb("push", str(tmp_path / "y"), SCRATCH).stdout
    assert adb("shell", f"cat {SCRATCH}/x").stdout == b"here\n"
    phone.recover()
    assert adb("push", str(tmp_path / "y"), SCRATCH).returncode == 0


def test_a_hanging_command_never_answers_and_others_do(phone: Phone, adb: Adb) -> None:
    phone.order(DeviceRule("echo lost", DeviceFault.HANG))
    with pytest.raises(subprocess.TimeoutExpired):
        adb("shell", "echo lost", timeout=0.4)
    assert adb("shell", "echo here").stdout == b"here\n"


def test_a_rule_strikes_as_often_as_it_says(server: AdbServer, phone: Phone, adb: Adb) -> None:
    phone.order(DeviceRule("echo", DeviceFault.DROP, times=2))
    answers = []
    for _ in range(3):
        server.connect(phone)
        answers.append(adb("shell", "echo x").stdout)
    assert answers == [b"", b"", b"x\n"]
