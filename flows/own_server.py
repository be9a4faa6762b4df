"""A flow in this process: over the API that the user names, possibly in a profile, or over a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from qhas.machine.proxies import exempt_loopback
from qhas.own_server import own_server


@contextmanager
def over_an_api() -> Iterator[bool]:
    """Provide an API for the block and yield whether the user named it; the user's login for it is kept.

    Raises InvalidInput if there is no server.
    """
    exempt_loopback()
    if PREFECT_API_URL.value():
        yield True
        return
    server = own_server()
    # Prefect imports this when a flow begins, which takes 0.1 s; until the server is up there is nothing else to do.
    import_module("fastapi.encoders")
    server.ready()
    with temporary_settings({PREFECT_API_URL: server.api, PREFECT_API_AUTH_STRING: server.login}):
        yield False
