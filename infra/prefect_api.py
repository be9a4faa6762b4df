"""Prefect's REST API with its login and its token against forged requests, for programs without its client."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener


@dataclass(frozen=True)
class PrefectApi:
    """The API at an address, as in http://127.0.0.1:4200/api, with its login."""

    url: str
    login: str = field(repr=False)
    seconds: float = 20.0
    """How long to wait for an answer."""

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
        with build_opener(ProxyHandler({})).open(asked, timeout=self.seconds) as answer:
            return json.load(answer)
