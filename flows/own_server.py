"""The server that Prefect starts on loopback for a flow when no API is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_API_AUTH_STRING,
    PREFECT_SERVER_CORS_ALLOWED_ORIGINS,
    PREFECT_SERVER_CSRF_PROTECTION_ENABLED,
    temporary_settings,
)

from qhas.machine.proxies import exempt_loopback
from qhas.machine.tether import tether
from qhas.prefect_settings import NO_ORIGIN, new_login


@contextmanager
def own_server_closed() -> Iterator[None]:
    """Give that server a login that only this process has, for other users of the host reach loopback too, and its end.

    A server that the user names, also in a profile, keeps the login that the user has for it.
    """
    exempt_loopback()
    if PREFECT_API_URL.value():
        yield
        return
    login = new_login()
    closed = {
        PREFECT_API_AUTH_STRING: login,
        PREFECT_SERVER_API_AUTH_STRING: login,
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS: NO_ORIGIN,
        PREFECT_SERVER_CSRF_PROTECTION_ENABLED: True,
    }
    _tether_own_server()
    with temporary_settings(closed):
        yield


def _tether_own_server() -> None:
    """Let the server that Prefect will start end with this process; Prefect itself ends it at a tidy exit only."""
    from prefect.server.api.server import SubprocessASGIServer  # seconds, which only this needs

    server = SubprocessASGIServer()  # the one instance of this process
    start, watchers = server._run_uvicorn_command, []

    def start_tethered() -> subprocess.Popen[Any]:
        process = start()
        watchers.append(tether(process.pid))
        return process

    server._run_uvicorn_command = start_tethered  # type: ignore[method-assign]
