"""Setup shared by every test: Prefect and the leases live in a folder of the test run, never in the user's home."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

from qhas.prefect_database import NAME, make_database
from tests.qhas.prefect_tables import migrate

pytest_plugins = ["tests.browser", "tests.spreading", "tests.thrift"]
# Under nohup or in a script's background these signals are ignored, and processes that tests start inherit that.
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
    """Forget other tests' host SDK requests: one that was never awaited must not answer a request of this test."""
    monkeypatch.setattr("qhas.machine.host_sdk._asked", {})


@pytest.fixture(scope="session")
def prefect_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Prefect database to copy: its migrations take longer than the rest of a server's start."""
    home = tmp_path_factory.mktemp("prefect-database")
    return home / NAME if make_database(home) else migrate(home)


@pytest.fixture(scope="session")
def prefect_server(prefect_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One server for the session, with its own database. Tests that use it belong to one xdist group."""
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
