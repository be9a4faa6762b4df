"""Prefect's settings as environment variables: for runs started from the command, and for the demo.

Nothing here imports Prefect. Everything must be set before Prefect is imported.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Measured: with the default of one row per write, the server lags minutes behind a sweep of a thousand cells.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    # Whole seconds: Prefect 3.8.8 truncates 0.5 to 0, and the idle server then takes a whole core.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
}
"""For all of our servers."""

SERVER_LOGIN = "PREFECT_SERVER_API_AUTH_STRING"
CLIENT_LOGIN = "PREFECT_API_AUTH_STRING"
ORIGINS = "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"
NO_ORIGIN = "https://nobody.invalid"
"""For a server without a UI. Prefect reads an empty list as its default, every page (RFC 6761: never resolves)."""

QUIET = {
    **SERVER,
    "PREFECT_LOGGING_LEVEL": "CRITICAL",  # the command's own progress bar and tables say the same
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
}
"""For flows run inside the command, unless the user has set something else."""


def new_login() -> str:
    """Return a new random login: typed into Prefect's login page, given to programs as `PREFECT_API_AUTH_STRING`."""
    return f"qhas:{secrets.token_hex(20)}"


def guard(login: str, origins: str = NO_ORIGIN) -> dict[str, str]:
    """Return a server's variables that require the login, and in browsers admit only pages of `origins`."""
    return {SERVER_LOGIN: login, ORIGINS: origins}


def quieten() -> None:
    """Keep Prefect's logs out of the command's output."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def isolate(folder: Path) -> None:
    """Give this process its own Prefect below `folder`; the user's profile and database are not touched."""
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        del os.environ[name]
    os.environ["PREFECT_HOME"] = str(folder.resolve())
