"""Prefect's REST API, used as its UI uses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from infra.prefect_api import PrefectApi

ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_PAGE = 200
_BUSY = 8
"""How many times slower a machine may be that is also doing other work."""
_LOOK_SECONDS = 0.5
_BUSY_SECONDS = 20.0
"""How long to ask a server again that answers 503 because its database is busy, as Prefect's own client does."""


class Api:
    """A client of one server. Raises httpx.HTTPStatusError for what the server refuses."""

    def __init__(self, url: str, login: str) -> None:
        self._prefect = PrefectApi(url, login, _BUSY_SECONDS * _BUSY)
        self._http = httpx.Client(base_url=url, timeout=900)

    def get(self, path: str) -> Any:
        """Return the response to a GET."""
        return self._ask("GET", path)

    def post(self, path: str, body: object) -> Any:
        """Return the response to a POST."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: object) -> None:
        """Send a PATCH."""
        self._ask("PATCH", path, body)

    def delete(self, path: str) -> None:
        """Send a DELETE."""
        self._ask("DELETE", path)

    def every(self, path: str, body: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Yield every object that a filter matches, page by page."""
        offset = 0
        while page := self.post(path, {**(body or {}), "limit": _PAGE, "offset": offset}):
            yield from page
            offset += len(page)

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Return the deployments by name."""
        return {found["name"]: found for found in self.every("/deployments/filter")}

    def start(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Start a flow run as a click on Run does; return its id."""
        found = self.deployments()[deployment]
        body = {
            "state": {"type": "SCHEDULED", "message": "Run from the Prefect UI", "state_details": {}},
            "parameters": parameters,
        }
        return str(self.post(f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def flow_run(self, run: str) -> dict[str, Any]:
        """Return a flow run as it is now."""
        return dict(self.get(f"/flow_runs/{run}"))

    def retry(self, run: str) -> None:
        """Retry a flow run as a click on Retry does."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        self.post(f"/flow_runs/{run}/set_state", {"state": state, "force": True})

    def ended(self, run: str, seconds: float = 240) -> dict[str, Any]:
        """Wait for a flow run to end, and return it."""
        self.until(lambda: self.flow_run(run)["state_type"] in ENDS, seconds, f"flow run {run} to end")
        return self.flow_run(run)

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """Return the artifacts of a flow run."""
        body = {"artifacts": {"flow_run_id": {"any_": [run]}}}
        return list(self.every("/artifacts/filter", body))

    def logs(self, run: str) -> str:
        """Return everything that a flow run and its tasks logged."""
        body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC"}
        return "\n".join(line["message"] for line in self.every("/logs/filter", body))

    def events(self, name: str, run: str) -> list[dict[str, Any]]:
        """Return the events of a name that relate to a flow run."""
        wanted = {"event": {"name": [name]}, "related": {"id": [f"prefect.flow-run.{run}"]}}
        return list(self.post("/events/filter", {"filter": wanted, "limit": 50})["events"])

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until the condition holds, also if the server does not answer. `seconds` is for an idle machine."""
        deadline = time.monotonic() + seconds * _BUSY
        while True:
            try:
                if condition():
                    return
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                if isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500:
                    raise
            except OSError:  # while the server has no token to give
                pass
            assert time.monotonic() < deadline, f"waited {seconds * _BUSY:g} s in vain for {what}"
            time.sleep(_LOOK_SECONDS)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        given_up = time.monotonic() + _BUSY_SECONDS * _BUSY
        while True:
            headers = self._prefect.headers(changes=method != "GET")
            response = self._http.request(method, path, json=body, headers=headers)
            busy = response.status_code == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < given_up
            if not busy:
                break
            time.sleep(_LOOK_SECONDS)
        if response.is_error:
            said = f"{response.status_code} {response.url.path}: {response.text}"
            raise httpx.HTTPStatusError(said, request=response.request, response=response)
        return response.json() if response.content else None
