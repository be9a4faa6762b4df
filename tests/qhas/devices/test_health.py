"""A device's condition: the probe script under the shells of phones and boards, and how its answer is read."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.devices.facts import Health
from qhas.devices.health import PROBE, Probe, parse_probe
from qhas.devices.identity import IdentityEvidence

NOW = datetime(2026, 7, 1, tzinfo=UTC)

THERMAL = """\
IsStatusOverride: false
ThermalEventListeners:
	callbacks: 1
Thermal Status: 1
Cached temperatures:
	Temperature{mValue=51.0, mType=3, mName=skin, mStatus=2}
	Temperature{mValue=99.0, mType=0, mName=cpu-0-0, mStatus=0}
HAL Ready: true
Current temperatures from HAL:
	Temperature{mValue=33.9, mType=3, mName=skin, mStatus=0}
	Temperature{mValue=35.1, mType=3, mName=skin, back, mStatus=0}
	Temperature{mValue=48.5, mType=0, mName=cpu-0-0, mStatus=0}
	Temperature{mValue=47.0, mType=1, mName=gpuss-0, mStatus=0}
	Temperature{mValue=61.25, mType=9, mName=nsp0, mStatus=0}
	Temperature{mValue=80.0, mType=8, mName=soc, mStatus=0}
	Temperature{mValue=NaN, mType=5, mName=pa, mStatus=0}
	Temperature{mValue=3276.7, mType=4, mName=usb, mStatus=0}
Current cooling devices from HAL:
	CoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
	TemperatureThreshold{mType=3, mName=skin, mHotThrottlingThresholds=[NaN, 39.0]}
"""

BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  status: 2
  health: 2
  present: true
  level: 80
  scale: 100
  voltage: 4123
  temperature: 357
  technology: Li-ion
"""


def answer(**sections: str) -> str:
    return "".join(f"\n==qhas {name}==\n{text}\n" for name, text in sections.items())


def told(**sections: str) -> Probe:
    return parse_probe(answer(**sections), NOW)


def test_the_current_list_of_temperatures_counts_and_the_cached_one_does_not() -> None:
    health = told(thermal=THERMAL).health
    assert health.thermal_status == 1
    assert health.celsius == {
        "skin/skin": 33.9,
        "skin/skin, back": 35.1,
        "cpu/cpu-0-0": 48.5,
        "gpu/gpuss-0": 47.0,
        "npu/nsp0": 61.25,
    }
    assert health.skin_celsius == 35.1


@pytest.mark.parametrize("heading", ["Cached temperatures:", "Current temperatures from HAL:"])
def test_a_build_with_one_list_of_temperatures_is_read(heading: str) -> None:
    dump = f"{heading}\n\tTemperature{{mValue=33.9, mType=3, mName=skin, mStatus=0}}\n"
    assert told(thermal=dump).health.skin_celsius == 33.9


def test_an_empty_current_list_is_not_replaced_by_the_cached_one() -> None:
    dump = THERMAL.partition("\tTemperature{mValue=33.9")[0]
    assert told(thermal=dump).health.celsius == {}


def test_a_battery_has_a_level_a_temperature_and_charges() -> None:
    health = told(battery=BATTERY).health
    assert (health.battery_percent, health.charging, health.celsius) == (80, True, {"battery/pack": 35.7})


@pytest.mark.parametrize(
    ("old", "new", "percent", "charging"),
    [
        ("status: 2", "status: 3", 80, False),
        ("status: 2", "status: 4", 80, False),
        ("status: 2", "status: 1", 80, True),
        ("  status: 2\n", "", 80, True),
        ("scale: 100", "scale: 200", 40, True),
        ("scale: 100", "scale: 0", 80, True),
        ("level: 80", "level: 120", None, True),
        ("present: true", "present: false", None, None),
    ],
)
def test_batteries_of_every_kind(old: str, new: str, percent: int | None, charging: bool | None) -> None:
    health = told(battery=BATTERY.replace(old, new)).health
    assert (health.battery_percent, health.charging) == (percent, charging)


@pytest.mark.parametrize(
    ("supplies", "percent", "charging"),
    [
        ("57 Battery System Discharging", 57, False),
        ("57 Battery System Not charging", 57, False),
        ("9 Battery Device Charging\n100 Battery System Charging", 100, True),
        ("57 Battery System", 57, None),
        ("50 UPS System Charging", None, None),
        ("570 Battery System Charging", None, None),
    ],
)
def test_a_board_with_a_battery_tells_it_by_its_power_supplies(
    supplies: str, percent: int | None, charging: bool | None
) -> None:
    health = told(battery="Can't find service: battery", supplies=supplies).health
    assert (health.battery_percent, health.charging) == (percent, charging)


def test_an_android_battery_comes_before_the_power_supplies() -> None:
    health = told(battery=BATTERY, supplies="5 Battery System Discharging").health
    assert (health.battery_percent, health.charging) == (80, True)


def test_zones_are_sorted_to_parts_by_name_and_read_in_thousandths_or_whole_degrees() -> None:
    zones = """\
45200 cpu-0-0-usr
46 gpuss-0
47100 nsphvx-0
48000 cdsp-hvx-usr
31500 skin-msm-therm
30000 pm8550_tz
-274000 ddr
500 pmic-ibat-lvl0
40 soc
40960 tsens_tz
40970 tsens_tz
40980 tsens_tz
"""
    assert told(zones=zones).health.celsius == {
        "cpu/cpu-0-0-usr": 45.2,
        "gpu/gpuss-0": 46.0,
        "npu/nsphvx-0": 47.1,
        "npu/cdsp-hvx-usr": 48.0,
        "skin/skin-msm-therm": 31.5,
        "other/pm8550_tz": 30.0,
        "other/tsens_tz": 40.96,
        "other/tsens_tz#2": 40.97,
        "other/tsens_tz#3": 40.98,
    }


@pytest.mark.parametrize(
    ("df", "free"),
    [
        (
            "Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/dm-44 111627264 9 2048 61% /data",
            2048 * 1024,
        ),
        ("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a\n  9 8 1 89% /", 1024),
        ("Filesystem 1K-blocks Used Available Use% Mounted on\n/dev/dm-44 9 9 0 100% /data", 0),
        (
            "Filesystem             Size   Used   Free   Blksize\n/data    24.5G     2.2G    22.3G   4096",
            None,
        ),
        ("", None),
    ],
)
def test_free_space_is_the_available_one(df: str, free: int | None) -> None:
    assert told(free=df).health.free_bytes == free


def test_a_phone_tells_its_clock_boot_identity_and_build() -> None:
    probe = told(
        clock="1767225600",
        uptime="4711.53 20000.00",
        boot="58fc3fb1-e29e-4e42-b6f8-771a7cf19901",
        properties="ro.soc.model=SM8750\nro.soc.manufacturer=QTI\nro.board.platform=sun\n"
        "ro.build.fingerprint=OnePlus/CPH/OP:15/AP3A/1:user/release-keys\nro.build.version.release=15",
        soc="soc_id=618\nmachine=SUN\nfamily=Snapdragon",
        kernel="6.6.30-android15",
    )
    assert probe.clock == 1767225600
    assert (probe.health.taken_at, probe.health.uptime_seconds) == (NOW, 4711.53)
    assert probe.health.boot_id == "58fc3fb1-e29e-4e42-b6f8-771a7cf19901"
    assert probe.identity == IdentityEvidence("SM8750", "QTI", "sun", 618, "SUN", "Snapdragon")
    assert probe.build == "OnePlus/CPH/OP:15/AP3A/1:user/release-keys"


def test_a_board_tells_its_device_tree_and_its_distribution() -> None:
    probe = told(
        compatible="qcom,qcs9100-ride\0qcom,qcs9100\0qcom,sa8775p\0",
        board="Qualcomm QCS9100 Ride\0",
        properties="ro.soc.model=\n",
        soc="soc_id=jep106:0070:0000\nmachine=\n",
        os='PRETTY_NAME="QCOM Reference Distro 1.3"',
        kernel="6.6.52",
    )
    assert probe.identity == IdentityEvidence(
        compatible=("qcom,qcs9100-ride", "qcom,qcs9100", "qcom,sa8775p"), board="Qualcomm QCS9100 Ride"
    )
    assert probe.build == "QCOM Reference Distro 1.3, Linux 6.6.52"


def test_line_ends_of_an_old_adb_are_the_same_answer() -> None:
    text = answer(thermal=THERMAL, battery=BATTERY, clock="1767225600", kernel="6.6.52")
    assert parse_probe(text.replace("\n", "\r\n"), NOW) == parse_probe(text, NOW)


sections = st.sampled_from(
    [
        "clock",
        "uptime",
        "boot",
        "free",
        "thermal",
        "battery",
        "zones",
        "supplies",
        "properties",
        "soc",
        "kernel",
    ]
)
scraps = st.text(max_size=30) | st.sampled_from(
    [
        THERMAL,
        BATTERY,
        "45200 cpu",
        "9" * 5000,
        "soc_id=" + "9" * 5000,
        "level: 9",
        "x=\ud800",
        "1K-blocks 1 1 1 1%",
    ]
)


@given(
    st.text()
    | st.lists(st.tuples(sections, scraps)).map(lambda pairs: "".join(answer(**{k: v}) for k, v in pairs))
)
def test_any_answer_is_a_probe(text: str) -> None:
    health = parse_probe(text, NOW).health
    assert all(-40 <= value <= 150 for value in health.celsius.values())
    assert Health.model_validate_json(health.model_dump_json()) == health


readings = st.tuples(st.sampled_from(["cpu", "gpu", "npu", "skin"]), st.integers(-39_999, 149_999))


@given(st.lists(readings, unique_by=lambda reading: reading[0]))
def test_zones_make_a_round_trip(sensors: list[tuple[str, int]]) -> None:
    zones = "".join(f"{value} {name}-0\n" for name, value in sensors if abs(value) >= 1000)
    expected = {f"{name}/{name}-0": value / 1000 for name, value in sensors if abs(value) >= 1000}
    assert told(zones=zones).health.celsius == expected


# The script, run for real.

SHELLS = {"sh": ["sh"], "dash": ["dash"], "mksh": ["mksh"], "busybox ash": ["busybox", "ash"]}


def shell(name: str) -> list[str]:
    program = shutil.which(SHELLS[name][0])
    if program is None:
        pytest.skip(f"{SHELLS[name][0]} is not installed")
    return [program, *SHELLS[name][1:]]


def run(command: list[str], script: str, directory: str, path: str | None = None) -> Probe:
    """Run a script in both ways in which it reaches a shell, both of which must work; return the second answer."""
    for arguments in (["-c", script, "qhas-probe"], ["-s", "--"]):
        done = subprocess.run(
            [*command, *arguments, directory],
            input=script if "-s" in arguments else "",
            capture_output=True,
            text=True,
            timeout=900,
            env={"PATH": path or "/usr/bin:/bin"},
        )
        assert (done.returncode, done.stderr) == (0, "")
        probe = parse_probe(done.stdout, NOW)
        assert probe.health.uptime_seconds
    return probe


@pytest.mark.parametrize("name", SHELLS)
def test_every_shell_runs_the_script(name: str, tmp_path: Path) -> None:
    probe = run(shell(name), PROBE, str(tmp_path))
    free = shutil.disk_usage(tmp_path).free
    assert probe.clock is not None
    assert abs(probe.clock - datetime.now(UTC).timestamp()) < 60
    assert probe.health.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert probe.health.free_bytes == pytest.approx(free, rel=0.1)
    assert probe.build is not None
    assert "Linux " in probe.build


def applets(folder: Path, program: str, names: list[str]) -> str:
    """A PATH on which every command is a link to one program."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    for name in names:
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.mark.parametrize("program", ["toybox", "busybox"])
def test_the_commands_of_phones_and_small_boards_are_enough(program: str, tmp_path: Path) -> None:
    path = applets(tmp_path, program, ["cat", "date", "df", "grep", "uname"])
    probe = run(shell("mksh" if program == "toybox" else "busybox ash"), PROBE, "/", path)
    assert probe.clock
    assert probe.health.free_bytes
    assert "Linux" in str(probe.build)


@pytest.mark.parametrize("name", SHELLS)
def test_a_device_without_any_command_still_answers(name: str, tmp_path: Path) -> None:
    command = shell(name)
    done = subprocess.run(
        [*command, "-c", PROBE, "qhas-probe", "/"],
        capture_output=True,
        env={"PATH": str(tmp_path)},
        timeout=900,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert parse_probe(done.stdout.decode(), NOW).health.thermal_status is None


@pytest.mark.parametrize("directory", ["missing/deep/er", "", "missing/../missing"])
def test_the_nearest_parent_answers_for_a_missing_directory(directory: str, tmp_path: Path) -> None:
    probe = run(shell("sh"), PROBE, f"{tmp_path}/{directory}")
    assert probe.health.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)


@pytest.mark.parametrize("directory", ["", "missing", "missing/too"])
def test_a_relative_directory_does_not_hang_the_script(directory: str) -> None:
    assert run(shell("sh"), PROBE, directory).health.free_bytes is not None


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_reads_a_whole_phone(name: str, tmp_path: Path) -> None:
    """Its files are below another root, and its services are programs."""
    zones = "sys/class/thermal/thermal_zone"
    write(
        tmp_path,
        {
            f"{zones}0/type": "cpu-0-0-usr\n",
            f"{zones}0/temp": "45200\n",
            f"{zones}1/type": "unreadable\n",
            f"{zones}12/type": "nsphvx-0\n",
            f"{zones}12/temp": "47100\n",
            "sys/class/power_supply/usb/type": "USB\n",
            "sys/class/power_supply/battery/type": "Battery\n",
            "sys/class/power_supply/battery/capacity": "57\n",
            "sys/class/power_supply/battery/status": "Not charging\n",
            "sys/devices/system/soc/soc0/id": "618\n",
            "proc/device-tree/compatible": "qcom,sun-mtp\0qcom,sun\0",
            "proc/device-tree/model": "Sun MTP\0",
        },
    )
    service = "#!/bin/sh\n[ $1 = thermalservice ] && echo 'Thermal Status: 2'\ncat\nexit 1\n"
    write(
        tmp_path, {"bin/dumpsys": service, "bin/getprop": "#!/bin/sh\n[ $1 = ro.soc.model ] && echo SM8750\n"}
    )
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    script = PROBE
    for place in ("/sys/class/", "/sys/devices/", "/proc/device-tree/"):
        script = script.replace(place, f"{tmp_path}{place}")
    probe = run(shell(name), script, "/", f"{tmp_path}/bin:/usr/bin:/bin")
    assert probe.health.thermal_status == 2
    assert probe.health.celsius == {"cpu/cpu-0-0-usr": 45.2, "npu/nsphvx-0": 47.1}
    assert (probe.health.battery_percent, probe.health.charging) == (57, False)
    assert probe.identity == IdentityEvidence(
        soc_model="SM8750", soc_id=618, compatible=("qcom,sun-mtp", "qcom,sun"), board="Sun MTP"
    )
