"""Whether an API is configured is determined as Prefect does it, without importing Prefect."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qhas.prefect_profile import has_api

URL = "http://127.0.0.1:4200/api"
PROFILE = f'active = "mine"\n[profiles.mine]\nPREFECT_API_URL = "{URL}"\n[profiles.none]\n'


@pytest.fixture(autouse=True)
def nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


PLACES: list[tuple[dict[str, str], dict[str, str], bool]] = [
    ({}, {}, False),
    ({"PREFECT_API_URL": URL}, {}, True),
    ({"PREFECT_API_URL": ""}, {}, False),
    ({}, {"home/profiles.toml": PROFILE}, True),
    ({"PREFECT_PROFILE": "none"}, {"home/profiles.toml": PROFILE}, False),
    ({"PREFECT_PROFILE": "unknown"}, {"home/profiles.toml": PROFILE}, False),
    ({"PREFECT_PROFILES_PATH": "other.toml"}, {"home/profiles.toml": PROFILE}, False),
    ({"PREFECT_PROFILES_PATH": "other.toml"}, {"other.toml": PROFILE}, True),
    ({}, {"prefect.toml": f'[api]\nurl = "{URL}"\n'}, True),
    ({}, {"pyproject.toml": f'[tool.prefect.api]\nurl = "{URL}"\n'}, True),
    ({}, {".env": f"# mine\nexport PREFECT_API_URL='{URL}'\n"}, True),
    ({}, {".env": "PREFECT_PROFILES_PATH=other.toml", "other.toml": PROFILE}, True),
]


@pytest.mark.parametrize(("environment", "files", "configured"), PLACES)
def test_every_place_that_prefect_reads_is_read(
    environment: dict[str, str], files: dict[str, str], configured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lay_down(files)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert has_api() is configured


def test_profiles_that_cannot_be_read_name_no_api() -> None:
    _lay_down({"home/profiles.toml": "active = 3 4"})
    assert not has_api()


ASK_BOTH = (
    "from qhas.prefect_profile import has_api\nours = has_api()\nimport prefect.settings\n"
    "print(ours, bool(prefect.settings.PREFECT_API_URL.value()))"
)


@pytest.mark.slow
@pytest.mark.parametrize(("environment", "files", "configured"), PLACES)
def test_prefect_tells_the_same(environment: dict[str, str], files: dict[str, str], configured: bool) -> None:
    _lay_down(files)
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK_BOTH],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
    )
    assert answer.stdout.split() == [str(configured)] * 2


def test_asking_does_not_import_prefect() -> None:
    code = "import sys\nfrom qhas.prefect_profile import has_api\nhas_api()\nprint('prefect' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def _lay_down(files: dict[str, str]) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(content)


@pytest.mark.parametrize("name", [".env", "prefect.toml", "pyproject.toml", "home/profiles.toml"])
@pytest.mark.parametrize(
    "lie", [os.mkfifo, lambda name: Path(name).symlink_to("/dev/zero")], ids=["pipe", "device"]
)
def test_a_place_that_would_be_read_without_end_is_refused_before_prefect_reads_it(
    name: str, lie: Callable[[str], None]
) -> None:
    Path("home").mkdir()
    lie(name)
    with pytest.raises(OSError, match="it is not a regular file; name one; Prefect would read it") as refused:
        has_api()
    assert Path(refused.value.filename).name == Path(name).name


def test_a_folder_of_such_a_name_is_none() -> None:
    Path(".env").mkdir()
    assert not has_api()
