"""Prefect's REST API with its login and its token against forged requests, for programs without its client."""

from __future__ import annotations

import base64
import json
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_BUSY_SECONDS = 1.0
"""How long after its last answer to ask a server again whose database is busy."""


@dataclass(frozen=True)
class PrefectApi:
    """The API at an address, as in http://127.0.0.1:4200/api, with its login.

    A server whose database is busy answers 503 and has changed nothing. It is asked again, as by Prefect's own client.
    """

    url: str
    login: str = field(repr=False)
    seconds: float = 20.0
    """How long to wait for an answer, and how long to ask again while the database is busy."""

    def ask(self, path: str, body: object = None) -> Any:
        """Return the answer to a GET, or to a POST of the body. Raises OSError, also if the server refuses it."""
        return self._send(
            path, None if body is None else json.dumps(body).encode(), self.headers(body is not None)
        )

    def headers(self, changes: bool) -> dict[str, str]:
        """Return a request's headers; unless it is a GET, they include a token fetched from the server.

        Raises OSError if that fails.
        """
        mine = {"Authorization": f"Basic {base64.b64encode(self.login.encode()).decode()}"}
        if not changes:
            return mine
        client = str(uuid.uuid4())
        token = self._send(f"/csrf-token?client={client}", None, mine)["token"]
        return mine | {
            "Content-Type": "application/json",
            "Prefect-Csrf-Client": client,
            "Prefect-Csrf-Token": token,
        }

    def _send(self, path: str, content: bytes | None, headers: dict[str, str]) -> Any:
        asked = Request(f"{self.url}{path}", content)  # noqa: S310  # our own server
        for name, value in headers.items():
            asked.add_unredirected_header(name, value)  # a redirect does not pass the login on
        opener, given_up = build_opener(ProxyHandler({})), time.monotonic() + self.seconds
        while True:
            try:
                with opener.open(asked, timeout=self.seconds) as answer:
                    return json.load(answer)
            except HTTPError as refused:
                if refused.code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > given_up:
                    raise
            time.sleep(_BUSY_SECONDS)
