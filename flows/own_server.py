"""The server that Prefect starts on loopback for a flow when no API is named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_SERVER_API_AUTH_STRING,
    PREFECT_SERVER_CORS_ALLOWED_ORIGINS,
    PREFECT_SERVER_CSRF_PROTECTION_ENABLED,
    temporary_settings,
)

from qhas.prefect_settings import NO_ORIGIN, new_login


@contextmanager
def own_server_closed() -> Iterator[None]:
    """Give that server a login that only this process has: other users of the host reach loopback too.

    A server that the user names, also in a profile, keeps the login that the user has for it.
    """
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
    with temporary_settings(closed):
        yield
