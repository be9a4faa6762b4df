"""A flow in this process: over the API that the user names, also in a profile, else over a server of the process's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from qhas.machine.proxies import exempt_loopback
from qhas.own_server import own_server


@contextmanager
def over_an_api() -> Iterator[bool]:
    """Whether the user has named it; it keeps the login that the user has for it. Raises InvalidInput without a server."""
    exempt_loopback()
    if PREFECT_API_URL.value():
        yield True
        return
    server = own_server()
    # Prefect imports it when a flow begins, 0.1 s; until the server is up there is nothing else to do.
    import_module("fastapi.encoders")
    server.ready()
    with temporary_settings({PREFECT_API_URL: server.api, PREFECT_API_AUTH_STRING: server.login}):
        yield False
