"""Prefect's settings are environment variables, set before it is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qhas import prefect_settings

RECORDER_INTERVAL = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL"
"""Prefect truncates it to whole seconds, and 0 would spin."""


@pytest.fixture(autouse=True)
def environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the environment, so that what the functions set ends with the test."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_prefect_is_quiet_unless_its_user_says_otherwise() -> None:
    os.environ["PREFECT_LOGGING_LEVEL"] = "DEBUG"
    os.environ.pop("PREFECT_SERVER_LOGGING_LEVEL", None)
    prefect_settings.quieten()
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["PREFECT_SERVER_LOGGING_LEVEL"] == "CRITICAL"


def test_an_isolated_prefect_knows_nothing_of_its_users(tmp_path: Path) -> None:
    os.environ |= {"PREFECT_API_URL": "http://lab/api", "PREFECT_PROFILE": "lab"}
    prefect_settings.isolate(tmp_path / "prefect")
    left = {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}
    assert left == {"PREFECT_HOME": str(tmp_path.resolve() / "prefect")}


def test_the_command_flushes_every_whole_second_or_slower() -> None:
    assert int(prefect_settings.QUIET[RECORDER_INTERVAL]) >= 1
