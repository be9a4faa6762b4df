"""A device's condition: the script under the shells of phones and boards, its answer, and the gate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.devices.health import PROBE, Objection, Probe, Unfit, objections, parse_probe, wait_until_fit
from qhas.devices.identity import IdentityEvidence
from qhas.runs.record import Health
from qhas.site import Gate

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
    """Both ways a script gets to a shell give the same; the answer of the second is read."""
    for arguments in (["-c", script, "qhas-probe"], ["-s", "--"]):
        done = subprocess.run(
            [*command, *arguments, directory],
            input=script if "-s" in arguments else "",
            capture_output=True,
            text=True,
            timeout=30,
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
    """A PATH on which one program is all the commands."""
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
        timeout=30,
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
    """Its files below another root, and its services as programs."""
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


# The gate.


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
        ({"thermal_status": 2}, Unfit.HOT, "Its thermal status is at 2; the gate admits 0."),
        ({"skin_celsius": 43.1}, Unfit.HOT, "Its skin is at 43.1 °C; the gate admits 40 °C."),
        (
            {"celsius": {"npu/nsp0": 81.5, "cpu/cpu-0": 80, "other/x": 99, "skin/s": 99}},
            Unfit.HOT,
            "Its sensor npu/nsp0 is at 81.5 °C; the gate admits 75 °C.",
        ),
        ({"battery_percent": 29}, Unfit.BATTERY_LOW, "Its battery is at 29 %; the gate asks for 30 %."),
        (
            {"battery_percent": 29, "charging": False},
            Unfit.BATTERY_LOW,
            "Its battery is at 29 % and not charging; the gate asks for 30 %.",
        ),
        ({"free_bytes": 499_999_999}, Unfit.FULL, "Its directory has 499 MB free; 500 MB are needed."),
    ],
)
def test_a_value_beyond_its_limit_objects_in_one_sentence(
    facts: dict[str, Any], kind: Unfit, sentence: str
) -> None:
    hopeless = kind is Unfit.FULL or facts.get("charging") is False
    assert objections(health(**facts), Gate()) == [Objection(kind, sentence, not hopeless)]


def test_the_free_space_of_the_gate_must_remain_beside_what_is_pushed() -> None:
    found = objections(health(free_bytes=700_000_000), Gate(free_mb=500), 300_000_000)
    assert [objection.sentence for objection in found] == [
        "Its directory has 700 MB free; 800 MB are needed, 300 MB of it for what is pushed."
    ]


def test_what_waiting_cannot_change_comes_first() -> None:
    found = objections(health(thermal_status=3, battery_percent=1, free_bytes=0), Gate())
    assert [objection.kind for objection in found] == [Unfit.FULL, Unfit.HOT, Unfit.BATTERY_LOW]


# Waiting, on a clock of its own.


class Bench:
    """A device that gives one reading after the other, and a clock that only sleeping and looking move."""

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
        ("Its skin is at 45 °C; the gate admits 40 °C.", 0.0),
        ("Its skin is at 42 °C; the gate admits 40 °C.", 10.0),
    ]


async def test_patience_ends_with_what_is_still_in_the_way() -> None:
    bench = Bench(health(skin_celsius=45))
    _, waited, left = await bench.wait(Gate(patience_seconds=25, poll_seconds=10))
    assert (waited, [objection.kind for objection in left]) == (25.0, [Unfit.HOT])
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
