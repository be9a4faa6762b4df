"""The units of a lab host, verified by systemd itself in a root that contains what they name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qhas.prefect_settings import ORIGINS, SERVER
from tests.infra.files import INFRA, environment_file

FOLDER = INFRA / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
HIGHEST_EXPOSURE = 2.1
"""The highest exposure by `systemd-analyze security`, as README.md states: 0 is fully confined, 10 unprotected."""
_SYSTEM_UNITS = Path("/lib/systemd/system")

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze") or not _SYSTEM_UNITS.is_dir(),
    reason="systemd-analyze is not installed",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory with the units, systemd's own targets, and the programs that the units start."""
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(_SYSTEM_UNITS, tmp_path / "lib/systemd/system", symlinks=True)
    units.mkdir(parents=True)
    for unit in UNITS:
        shutil.copy(FOLDER / unit, units)
        for program in re.findall(r"^Exec(?:Start|Stop)=(\S+)", (FOLDER / unit).read_text(), re.MULTILINE):
            (executable := tmp_path / program.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            executable.touch(mode=0o755)
    return tmp_path


def verify(root: Path, unit: str) -> subprocess.CompletedProcess[str]:
    instance = unit.replace("@.", "@lab1.")
    argv = ["systemd-analyze", f"--root={root}", "--man=no", "verify", instance]
    return subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit_and_has_nothing_to_say(root: Path, unit: str) -> None:
    done = verify(root, unit)
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_check_finds_a_setting_that_systemd_does_not_know(root: Path) -> None:
    unit = root / "etc/systemd/system/qhas-server.service"
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "'ProtectHomes'" in verify(root, unit.name).stderr


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_can_do_little_but_its_work(unit: str) -> None:
    threshold = round(HIGHEST_EXPOSURE * 10)
    argv = [
        "systemd-analyze",
        "security",
        "--no-pager",
        "--offline=yes",
        f"--threshold={threshold}",
        str(FOLDER / unit),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-400:]


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_can_take_the_whole_machine(unit: str) -> None:
    assert re.findall(r"^(MemoryMax|TasksMax)=\d+", (FOLDER / unit).read_text(), re.MULTILINE) == [
        "MemoryMax",
        "TasksMax",
    ]


def test_the_readme_says_what_is_checked() -> None:
    assert f"{HIGHEST_EXPOSURE} or better" in (FOLDER / "README.md").read_text()


def test_server_and_worker_are_different_accounts_that_are_made() -> None:
    users = {unit: re.findall(r"^User=(.+)$", (FOLDER / unit).read_text(), re.MULTILINE) for unit in UNITS}
    assert users == {
        "qhas-adb.service": ["qhas"],
        "qhas-server.service": ["prefect"],
        "qhas-worker@.service": ["qhas"],
    }
    made = re.findall(r"^u (\w+)", (FOLDER / "qhas.sysusers").read_text(), re.MULTILINE)
    assert {name for names in users.values() for name in names} == set(made)


def test_the_servers_variables_are_those_of_ours() -> None:
    assert environment_file(FOLDER / "server.env.example").items() >= SERVER.items()


def test_no_page_but_the_units_own_may_ask_the_api() -> None:
    assert environment_file(FOLDER / "server.env.example")[ORIGINS] == "http://127.0.0.1:4200"


@pytest.mark.parametrize("unit", ["qhas-server.service", "qhas-worker@.service"])
def test_server_and_worker_do_not_start_without_the_login(unit: str) -> None:
    assert "EnvironmentFile=/etc/qhas/login.env\n" in (FOLDER / unit).read_text()


def test_no_example_has_a_secret() -> None:
    for example in FOLDER.glob("*.example"):
        for name, value in environment_file(example).items():
            assert not re.search("SECRET|PASSWORD|ACCESS_KEY|TOKEN|AUTH_STRING", name)
            assert not re.search(r"://[^/@]*:[^/@]+@", value)
