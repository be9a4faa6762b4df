"""Reports and traces are served on loopback to holders of the token, and nothing else of store or machine is."""

from __future__ import annotations

import http.client
import socket
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from qhas.report.serving import PERFETTO, Served, serving
from qhas.store import Store

TRACE = "runs/one/net/sa8255/default/chrometrace.json.gz"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    store = Store(str(tmp_path / "store"))
    store.write("reports/one/index.html", b"<h1>one</h1>")
    store.write(TRACE, b"\x1f\x8btrace")
    store.write("prepared/key/secret", b"a graph")
    (tmp_path / "outside.txt").write_text("outside")
    with serving(store, 0) as served:
        yield served


def connected(served: Served) -> http.client.HTTPConnection:
    at = urlsplit(served.address)
    return http.client.HTTPConnection(at.hostname or "", at.port, timeout=600)


def ask(served: Served, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    connection = connected(served)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def token(served: Served) -> str:
    return urlsplit(served.address).path


def test_a_report_and_a_trace_are_served_as_they_are(served: Served) -> None:
    status, content, headers = ask(served, urlsplit(served.url("reports/one/index.html")).path)
    assert (status, content, headers["Content-Type"]) == (200, b"<h1>one</h1>", "text/html")
    status, content, headers = ask(served, urlsplit(served.url(TRACE)).path)
    assert (status, content, headers["Content-Type"]) == (200, b"\x1f\x8btrace", "application/gzip")


def test_a_request_for_the_head_alone_fetches_nothing(tmp_path: Path) -> None:
    class Listed(Store):
        def fetch(self, key: str, target: Path, sha256: str | None = None) -> None:
            raise AssertionError(key)

    store = Listed(str(tmp_path / "store"))
    store.write(TRACE, b"\x1f\x8btrace")
    with serving(store, 0) as served:
        assert ask(served, urlsplit(served.url(TRACE)).path, "HEAD")[:2] == (200, b"")
        assert ask(served, f"{token(served)}/reports/gone.html", "HEAD")[0] == 404


def test_a_trace_is_never_held(tmp_path: Path) -> None:
    class Unread(Store):
        def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
            raise AssertionError(key)

    store, size = Unread(str(tmp_path / "store")), 40_000_000
    store.write(TRACE, bytes(size))
    with serving(store, 0) as served:
        tracemalloc.start()
        with closing(connected(served)) as connection:
            connection.request("GET", urlsplit(served.url(TRACE)).path)
            answer = connection.getresponse()
            assert sum(map(len, iter(lambda: answer.read(1 << 16), b""))) == size
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < size / 4


@pytest.mark.parametrize("path", ["/reports/one/index.html", "/x/reports/one/index.html", "/", "//"])
def test_without_the_token_nothing_is_there(served: Served, path: str) -> None:
    assert ask(served, path)[0] == 404


@pytest.mark.parametrize(
    "key",
    [
        "prepared/key/secret",
        "reports",
        "reports/",
        "reports/one",
        "reports/../../outside.txt",
        "reports/%2e%2e/%2e%2e/outside.txt",
        "..%2foutside.txt",
        "/etc/passwd",
        "reports/one/index.html%00.txt",
    ],
)
def test_nothing_else_is_served_and_no_folder_is_listed(served: Served, key: str) -> None:
    assert ask(served, f"{token(served)}/{key}")[0] == 404


@pytest.mark.parametrize("target", ["http://[", "http://[::1/reports", "//[x"])
def test_what_is_no_url_is_not_there(served: Served, target: str) -> None:
    at = urlsplit(served.address)
    with socket.create_connection((at.hostname, at.port), timeout=600) as client:
        client.sendall(f"GET {target} HTTP/1.0\r\nHost: {at.netloc}\r\n\r\n".encode())
        assert b" 404 " in client.recv(100)


def test_a_browser_that_goes_away_while_it_loads_leaves_no_traceback(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    at = urlsplit(served.address)
    with socket.create_connection((at.hostname, at.port)) as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(b"GET /")
    assert ask(served, "/")[0] == 404
    assert capfd.readouterr().err == ""


def test_a_page_of_another_name_is_a_stranger(served: Served) -> None:
    path = f"{token(served)}/reports/one/index.html"
    assert ask(served, path, Host="evil.example")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_changed(served: Served, method: str) -> None:
    assert ask(served, f"{token(served)}/reports/one/index.html", method)[0] == 501


def test_perfetto_alone_may_fetch_from_its_page(served: Served) -> None:
    path = f"{token(served)}/{TRACE}"
    assert ask(served, path, Origin=PERFETTO)[2]["Access-Control-Allow-Origin"] == PERFETTO
    assert "Access-Control-Allow-Origin" not in ask(served, path, Origin="https://evil.example")[2]


def test_a_page_that_a_tool_wrote_is_kept_apart_from_the_store(served: Served) -> None:
    policy = ask(served, f"{token(served)}/{TRACE}")[2]["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "Content-Security-Policy" not in ask(served, f"{token(served)}/reports/one/index.html")[2]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.0.0.1.evil.example:{port}", "[::1]:{port}", "127.1:{port}", ""]
)
def test_only_its_own_name_and_port_are_answered(served: Served, host: str) -> None:
    named = host.format(port=urlsplit(served.address).port)
    assert ask(served, f"{token(served)}/reports/one/index.html", Host=named)[0] == 404


def test_a_connection_that_says_nothing_is_ended(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.handler, "timeout", 0.05)
    at = urlsplit(served.address)
    with socket.create_connection((at.hostname, at.port), timeout=600) as client:
        client.sendall(b"GET /")
        assert client.recv(100) == b""


def test_a_port_that_is_taken_is_no_fault_and_perfetto_is_not_promised(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with serving(Store(str(tmp_path / "store")), taken) as served:
            assert urlsplit(served.address).port != taken
            assert served.perfetto(TRACE) is None


def test_it_listens_on_loopback(served: Served) -> None:
    assert urlsplit(served.address).hostname == "127.0.0.1"
