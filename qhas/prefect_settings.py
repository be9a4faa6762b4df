"""Prefect's settings as environment variables: those of a run started from the command, and of the demo.

Nothing here imports Prefect. Everything must be set before it is imported.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Measured: with the default of one row a write, the server lags minutes behind a sweep of a thousand cells.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    # Whole seconds: Prefect 3.8.8 cuts 0.5 to 0, and the idle server then takes a whole core.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
}
"""For every server of ours."""

SERVER_LOGIN = "PREFECT_SERVER_API_AUTH_STRING"
CLIENT_LOGIN = "PREFECT_API_AUTH_STRING"
ORIGINS = "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"
NO_ORIGIN = "https://nobody.invalid"
"""For a server without a UI. Prefect takes an empty list for its default, which is every page (RFC 6761: never resolves)."""

QUIET = {
    **SERVER,
    "PREFECT_LOGGING_LEVEL": "CRITICAL",  # the command's own progress bar and tables say the same
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
"""For flows run inside the command, where the user has set nothing else."""


def new_login() -> str:
    """A login that nobody had: what Prefect's login page asks for, and programs have in `PREFECT_API_AUTH_STRING`."""
    return f"qhas:{secrets.token_hex(20)}"


def guard(login: str, origins: str = NO_ORIGIN) -> dict[str, str]:
    """A server's variables that let in who has the login, and in browsers no page but those of `origins`."""
    return {SERVER_LOGIN: login, ORIGINS: origins}


def quieten() -> None:
    """Keep Prefect's logs out of the command's output."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def isolate(folder: Path) -> None:
    """Give this process a Prefect of its own below `folder`; the user's profile and database are left alone."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ["PREFECT_HOME"] = str(folder.resolve())
