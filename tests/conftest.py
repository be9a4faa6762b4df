"""Shared by every test: Prefect and leases live in a folder of the test run, never in the user's home."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.browser"]
# Under nohup, or in the background of a script, these are ignored, and so they would be in every process a test starts.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
_HOME = tempfile.mkdtemp(prefix="qhas-tests-")
for _name in [name for name in os.environ if name.startswith(("PREFECT_", "QHAS_", "HOSTSDK_"))]:
    del os.environ[_name]
for _name in ("QAIRT_SDK_ROOT", "QNN_SDK_ROOT", "SNPE_ROOT"):
    os.environ.pop(_name, None)
os.environ["PREFECT_HOME"] = str(Path(_HOME) / "prefect")
_LOGIN = f"tests:{secrets.token_hex(20)}"
os.environ["PREFECT_API_AUTH_STRING"] = os.environ["PREFECT_SERVER_API_AUTH_STRING"] = _LOGIN
os.environ["QHAS_LEASES"] = str(Path(_HOME) / "leases")

settings.register_profile(
    "any machine",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("any machine")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the test run's Prefect."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def _nothing_was_asked_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another test asked of the host SDK, and did not wait for, is no answer to this one's question."""
    monkeypatch.setattr("qhas.machine.host_sdk._asked", {})


_MIGRATE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


@pytest.fixture(scope="session")
def prefect_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of Prefect's own migrations, to be copied.

    They take a server longer than the rest of its start, so they are made once for all workers of the test run.
    """
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prefect-database"
    home.mkdir(exist_ok=True)
    database = home / "prefect.db"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "migrated").exists():
            command = [sys.executable, "-c", _MIGRATE]
            subprocess.run(command, env=os.environ | {"PREFECT_HOME": str(home)}, check=True, timeout=900)
            (home / "migrated").touch()
    return database


@pytest.fixture(scope="session")
def prefect_server(prefect_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One server for the session, with a database of its own. Tests that use it are of one xdist group."""
    from qhas import prefect_settings

    prefect_settings.quieten()
    from prefect.testing.utilities import prefect_test_harness

    folder = tmp_path_factory.mktemp("prefect-server")
    shutil.copy(prefect_database, folder / "prefect-test.db")
    with (
        mock.patch("prefect.testing.utilities.mkdtemp", return_value=str(folder)),
        prefect_test_harness(server_startup_timeout=900),
    ):
        yield
