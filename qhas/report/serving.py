"""Serves a store's reports and traces over HTTP on loopback, to anyone who has the address with its token.

Only GET and HEAD below `reports/` and `runs/`; no listing. The server answers only to its own host name, so that no
page of another site reaches it under a name of that site. Perfetto's page may fetch traces: it does so from
127.0.0.1:9001 (its content security policy, https://perfetto.dev/docs/visualization/deep-linking-to-perfetto-ui).
"""

from __future__ import annotations

import hmac
import mimetypes
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from qhas.naming import check_path
from qhas.runs import keys
from qhas.store import Store, StoreError

PERFETTO = "https://ui.perfetto.dev"
PERFETTO_PORT = 9001
_SHOWN = (keys.REPORTS, keys.RUNS)
_LOOPBACK = "127.0.0.1"
_OF_TOOLS = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""Pages that a device or a tool wrote get an origin of their own: they cannot read the store or send anything."""
_SILENT_SECONDS = 60.0
"""How long a connection may be silent, so that strangers do not hold threads for ever."""
_POLL_SECONDS = 0.05
"""How long shutting down may take."""


class Served:
    """A store that is being served. `address` contains the token: with it, every report and artifact can be read."""

    def __init__(self, server: ThreadingHTTPServer, token: str) -> None:
        self.address = f"http://{_LOOPBACK}:{server.server_port}/{token}"
        self.handler = server.RequestHandlerClass
        self._perfetto = server.server_port == PERFETTO_PORT

    def url(self, key: str) -> str:
        """Return the address of an object."""
        return f"{self.address}/{quote(key)}"

    def perfetto(self, key: str) -> str | None:
        """Return the address that opens a trace in Perfetto's page; None if that page may not fetch from this port."""
        return f"{PERFETTO}/#!/?url={quote(self.url(key), safe='')}" if self._perfetto else None


@contextmanager
def serving(store: Store, port: int = PERFETTO_PORT, token: str | None = None) -> Iterator[Served]:
    """Serve a store while the block runs, on another port if that one is taken. Raises OSError.

    A new token is generated if none is given.
    """
    token = token or secrets.token_urlsafe(24)
    with _listening(_handler(store, token), port) as server:
        thread = Thread(target=partial(server.serve_forever, _POLL_SECONDS), name="qhas-serving", daemon=True)
        thread.start()
        try:
            yield Served(server, token)
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that disconnects while it loads: that is not an error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _listening(handler: type[BaseHTTPRequestHandler], port: int) -> ThreadingHTTPServer:
    try:
        return _Server((_LOOPBACK, port), handler)
    except OSError:
        return _Server((_LOOPBACK, 0), handler)


def _handler(store: Store, token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "qhas", ""
        timeout = _SILENT_SECONDS

        def do_GET(self) -> None:
            """Send the object, if the request has the token."""
            if key := self._there():
                with tempfile.TemporaryDirectory(prefix="qhas-open-") as folder:
                    self._send(key, Path(folder, "object"))

        def do_HEAD(self) -> None:
            """Say whether the object exists; its size is not looked up."""
            if key := self._there():
                self._begin(key)

        def _there(self) -> str | None:
            """Return the key of an object that may be read; if there is none, answer the request and return None."""
            key = self._key()
            with suppress(StoreError):
                if key and store.exists(key):
                    return key
            self.send_error(HTTPStatus.NOT_FOUND)
            return None

        def _send(self, key: str, copy: Path) -> None:
            """Send a copy from disk: traces are of any size, and one that cannot be fetched whole is not started."""
            try:
                store.fetch(key, copy)
            except StoreError:
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self._begin(key, copy.stat().st_size)
            with copy.open("rb") as content:
                shutil.copyfileobj(content, self.wfile)

        def _begin(self, key: str, size: int | None = None) -> None:
            self.send_response(HTTPStatus.OK)
            media = "application/gzip" if key.endswith(".gz") else mimetypes.guess_type(key)[0]
            self.send_header("Content-Type", media or "application/octet-stream")
            if size is not None:
                self.send_header("Content-Length", str(size))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            if key and key.startswith(f"{keys.RUNS}/"):
                self.send_header("Content-Security-Policy", _OF_TOOLS)
            if self.headers.get("Origin") == PERFETTO:
                self.send_header("Access-Control-Allow-Origin", PERFETTO)
            self.end_headers()

        def _key(self) -> str | None:
            """Return the requested key; None without the right host and token, and for a key that is not served."""
            own = f"{_LOOPBACK}:{self.connection.getsockname()[1]}"
            if self.headers.get("Host") != own:
                return None
            try:
                presented, _, path = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
                if not hmac.compare_digest(presented.encode(), token.encode()):
                    return None
                key = check_path(path)
            except ValueError:  # not a valid URL, or not a valid path
                return None
            return key if key.split("/")[0] in _SHOWN else None

        def log_message(self, *_: object) -> None:
            """Log nothing: requests contain the token."""

    return Handler
