"""Guarantees of every fake device: its own file system, nothing left behind, and only sensible orders accepted."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fakes.devices import DeviceFault, DeviceRule, DeviceState, Phone
from fakes.devices.device_root import missing_programs
from fakes.devices.faults import RuleBook
from fakes.devices.occupants import occupants
from fakes.devices.phone import why_unavailable

WHY = why_unavailable()
pytestmark = pytest.mark.skipif(WHY is not None, reason=WHY or "")
README = Path(__file__).parents[2] / "fakes" / "README.md"
REPOSITORY = Path(__file__).parents[2]
STARTS_AND_WAITS = """
import signal, sys
from pathlib import Path
from fakes.devices import Phone
phone = Phone.start(Path(sys.argv[1]))
print(phone.pid, flush=True)
signal.pause()
"""


def test_devices_have_each_their_own_files(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "one") as one, Phone.start(tmp_path / "two") as two:
        (one.root / "data/local/tmp/x").write_text("one")
        assert (one.files(), two.files()) == (["x"], [])


def test_a_sized_device_is_full_at_its_size(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "phone", data_bytes=100_000) as phone:
        with pytest.raises(OSError, match="No space left"):
            (phone.root / "data/local/tmp/x").write_bytes(bytes(200_000))
        assert phone.files() == ["x"]


def test_the_host_sees_no_mounts_of_it(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "phone", data_bytes=100_000):
        assert str(tmp_path) not in Path("/proc/mounts").read_text(encoding="utf-8")


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path / "phone")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=REPOSITORY, text=True) as starter:
        assert starter.stdout is not None
        daemon = int(starter.stdout.readline())
        namespace = Path(f"/proc/{daemon}/ns/mnt").stat().st_ino
        assert occupants(namespace) == [daemon]
        starter.kill()
    deadline = time.monotonic() + 600
    while occupants(namespace):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_daemon_refuses_the_hosts_own_namespace(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "phone") as phone:
        settings = phone.settings.to_json()
    argv = [sys.executable, "-m", "fakes.devices.phone_daemon", settings]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, "unshare" in done.stderr) == (1, True)


def test_a_device_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "one") as one, pytest.raises(RuntimeError, match="in use"):
        type(one)(one.settings.__class__(one.settings.plan, one.settings.journal, port=one.port), one.state)


def test_stopping_twice_does_nothing(tmp_path: Path) -> None:
    phone = Phone.start(tmp_path / "phone")
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    phone.stop()
    phone.stop()
    assert len(os.listdir("/proc/self/fd")) == descriptors - 4  # noqa: PTH208


def test_a_missing_program_is_named() -> None:
    assert missing_programs("ls", "no-such-program") == (
        "this fake device needs `no-such-program`, which is not installed"
    )


def test_a_soc_nobody_knows_has_no_number() -> None:
    state = DeviceState.of("sm9999")
    assert (state.soc_model, state.soc_id) == ("SM9999", None)


def test_an_unknown_field_or_sensor_is_refused(tmp_path: Path) -> None:
    with Phone.start(tmp_path / "phone") as phone:
        with pytest.raises(TypeError):
            phone.set(colour="red")
        with pytest.raises(ValueError, match="no kind of sensor"):
            phone.set(celsius={"ambient": 20.0})


# Orders


@pytest.mark.parametrize(
    "order",
    [
        {"when": "sleep", "fault": DeviceFault.DROP, "after_bytes": 5},
        {"when": "sleep", "fault": DeviceFault.CUT_TRANSFER},
        {"when": "sleep", "fault": DeviceFault.HANG, "after_seconds": 1.0},
        {"when": "push ", "fault": DeviceFault.READ_ONLY, "after_bytes": 5},
    ],
    ids=["bytes of a command", "a command as a transfer", "a hang that begins later", "read-only in a push"],
)
def test_an_order_that_cannot_be_followed_is_refused(order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"push|at the start"):
        DeviceRule(**order)  # type: ignore[arg-type]


def test_the_first_rule_that_is_not_used_up_strikes() -> None:
    book = RuleBook()
    once, always = DeviceRule("run", DeviceFault.DROP), DeviceRule("run", DeviceFault.HANG, times=None)
    book.add([once, always])
    assert [book.take("run"), book.take("walk"), book.take("run"), book.take("run")] == [
        once,
        None,
        always,
        always,
    ]


def test_a_transfer_is_met_by_its_direction_and_a_part_of_its_path() -> None:
    book = RuleBook()
    rule = DeviceRule("push net.dlc", DeviceFault.HANG, times=None)
    book.add([rule])
    assert book.take("push /data/local/tmp/net.dlc") is rule
    assert book.take("pull /data/local/tmp/net.dlc") is None
    assert book.take("shell,v2,raw:echo push net.dlc") is None


@pytest.mark.parametrize("fault", DeviceFault)
def test_every_fault_is_documented_by_its_sentence(fault: DeviceFault) -> None:
    assert f"| `{fault}` | " in README.read_text(encoding="utf-8")
    assert fault.sentence in README.read_text(encoding="utf-8")
