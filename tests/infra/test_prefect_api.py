"""Prefect's API for programs without its client: a server that is busy is asked again, one that refuses is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

import pytest

from infra import prefect_api
from infra.prefect_api import PrefectApi


class Server(ThreadingHTTPServer):
    """Gives the statuses, one a request, then 200 for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.statuses: list[int] = []
        self.asked: list[str] = []


class _Answers(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        body = json.dumps({"token": "a-token"}).encode()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


for method in ("GET", "POST"):
    setattr(_Answers, f"do_{method}", _Answers.answer)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(prefect_api, "_BUSY_SECONDS", 0.0)
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def api(server: Server, seconds: float = 600.0) -> PrefectApi:
    return PrefectApi(f"http://127.0.0.1:{server.server_port}", "qhas:a-login", seconds)


@pytest.mark.parametrize(
    ("statuses", "asked"),
    [
        ([503], ["GET /csrf-token", "GET /csrf-token", "POST /runs"]),
        ([200, 503, 503], ["GET /csrf-token", "POST /runs", "POST /runs", "POST /runs"]),
    ],
    ids=["for its token", "for an answer"],
)
def test_a_server_whose_database_is_busy_is_asked_again(
    server: Server, statuses: list[int], asked: list[str]
) -> None:
    server.statuses[:] = statuses
    assert api(server).ask("/runs", {}) == {"token": "a-token"}
    assert server.asked == asked


def test_a_server_that_stays_busy_is_given_up(server: Server) -> None:
    server.statuses[:] = [503] * 100_000
    with pytest.raises(HTTPError, match="503"):
        api(server, 0.05).ask("/runs")


@pytest.mark.parametrize("status", [401, 404, 422, 500])
def test_what_a_server_refuses_is_not_asked_again(server: Server, status: int) -> None:
    server.statuses[:] = [status]
    with pytest.raises(HTTPError, match=str(status)):
        api(server).ask("/runs")
    assert len(server.asked) == 1
