"""With a server that is broken or not S3, no keys or files go elsewhere and nothing waits without end."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.prefect_api import PrefectApi
from qhas.store import Download, Store, StoreError, Upload, objects, s3_answers
from qhas.store.addresses import describe_error, kind_at, open_address
from qhas.store.errors import ObjectMissing
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients
from qhas.store.s3_transfer import open_s3
from tests.qhas.store.wired import file_of

SOON = Patience(total=0, answer=60)
SECRETS = ("authorization", "x-amz-security-token")


class Server(ThreadingHTTPServer):
    """Gives every request the same answer and records its headers and body; in a body `{}` is the request's number."""

    daemon_threads = True
    request_queue_size = 128  # at the default of five, a busy machine drops some of ten connections

    def __init__(self, status: int = 200, body: str = "", **headers: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.status, self.body, self.headers = status, body, headers
        self.asked: list[tuple[dict[str, str], bytes]] = []


class _Answers(BaseHTTPRequestHandler):
    server: Server

    def answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((headers, self.rfile.read(int(headers.get("content-length", 0)))))
        body = self.server.body.replace("{}", str(len(self.server.asked))).encode()
        self.send_response(self.server.status)
        for name, value in {**self.server.headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
    setattr(_Answers, f"do_{method}", _Answers.answer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Server]:
    """A server at an address other than the store's."""
    with serving(Server()) as server:
        yield server


@pytest.fixture(scope="module")
def diverting(elsewhere: Server) -> Iterator[Server]:
    """A server at the store's address that redirects every request elsewhere."""
    with serving(Server(307, Location=f"http://localhost:{elsewhere.server_port}/taken")) as server:
        yield server


def lead_to(server: Server, environ: pytest.MonkeyPatch) -> None:
    """Set the AWS variables to a server."""
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIDOFATEST",
        "AWS_SECRET_ACCESS_KEY": "a-secret-of-a-test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        environ.setenv(name, value)


@pytest.fixture
def endpoint(diverting: Server, elsewhere: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS variables that lead to the redirecting server."""
    elsewhere.asked.clear()
    lead_to(diverting, monkeypatch)


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("token", ["", "a-token-of-a-role"])
def test_no_key_and_no_file_goes_to_another_address(
    diverting: Server,
    elsewhere: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    token: str,
    status: int,
) -> None:
    monkeypatch.setattr(diverting, "status", status)
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    store = Store("s3://bucket/lab", SOON, backend=open_s3("s3://bucket/lab", SOON))
    small, large = file_of(tmp_path, 10, "small"), file_of(tmp_path, 9 << 20, "large")
    for operation in (
        lambda: store.read("a"),
        lambda: store.read_all(["a", "b"]),
        lambda: store.write("a", b"private"),
        lambda: store.upload("runs", [Upload("small", small, name) for name in ("x", "y")]),
        lambda: store.upload("runs", [Upload("large", large, "large")]),
        lambda: store.fetch("a", tmp_path / "a", "0" * 64),
        lambda: store.fetch_all([Download(name, tmp_path / name, "0" * 64) for name in "ab"]),
        lambda: store.objects("runs"),
        lambda: store.delete("runs"),
    ):
        with suppress(StoreError):
            operation()
    assert all(not body and not any(map(headers.get, SECRETS)) for headers, body in elsewhere.asked)
    assert isinstance(store._backend, S3)


@pytest.mark.usefixtures("endpoint")
def test_who_is_sent_elsewhere_is_told_what_to_do() -> None:
    store = Store("s3://bucket/lab", SOON)
    for operation in (store.require_writable, lambda: store.read("a"), lambda: store.children("runs")):
        with pytest.raises(
            StoreError, match=r"redirects requests to a different address.*set AWS_ENDPOINT_URL"
        ):
            operation()


@pytest.mark.usefixtures("endpoint")
def test_a_token_is_sent_by_the_client_that_follows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token-of-a-role")
    assert not S3Clients("s3://bucket", SOON).obstore_can
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.eu-central-1.amazonaws.com")
    assert S3Clients("s3://bucket", SOON).obstore_can
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.amazonaws.com.example.org")
    assert not S3Clients("s3://bucket", SOON).obstore_can


def test_the_login_of_prefect_goes_to_its_server_alone(diverting: Server, elsewhere: Server) -> None:
    elsewhere.asked.clear()
    with suppress(OSError, ValueError):
        PrefectApi(f"http://127.0.0.1:{diverting.server_port}/api", "qhas:a-login").ask("/health")
    assert not any("authorization" in headers for headers, _ in elsewhere.asked)


LISTING = (
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>{0}'
    "<Contents><Key>lab/runs/a</Key><Size>5</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    "following",
    [
        "",
        "<NextContinuationToken></NextContinuationToken>",
        "<NextContinuationToken>again</NextContinuationToken>",
        "<NextContinuationToken>page {}</NextContinuationToken>",
    ],
)
def test_a_listing_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch, following: str) -> None:
    monkeypatch.setattr(s3_answers, "_MOST_PAGES", 20)
    with serving(
        Server(body=LISTING.replace("{0}", following), **{"Content-Type": "application/xml"})
    ) as server:
        lead_to(server, monkeypatch)
        store = Store("s3://bucket/lab", SOON)
        for operation in (store.objects, store.children, store.delete):
            server.asked.clear()
            with pytest.raises(
                StoreError, match=r"runs: the server's listing never ends.*check AWS_ENDPOINT_URL"
            ):
                operation("runs")
            assert len(server.asked) <= 20


PAGE = "a web page"
STRANGE = {
    "": "an empty body",
    "<html><body>Log in</body></html>": PAGE,
    "\n<!-- x --><!DOCTYPE HTML>\n<p>Log in": PAGE,
    '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x" "y"><html xmlns="http://www.w3.org/1999/xhtml"/>': PAGE,
    "<head><meta http-equiv=refresh content=0></head>": PAGE,
    '{"error": "Unauthorized"}': "JSON",
    "default backend - 404": "plain text",
    "<feed><entry/></feed>": "XML of another kind",
}
"""Bodies that no S3 server sends, each with what a message calls it."""
ADVICE = "which no S3 server does; check AWS_ENDPOINT_URL, the proxy, and whether the network requires a login in a browser"


def on_all(store: Store, folder: Path) -> dict[str, Callable[[], object]]:
    """Every operation of a store."""
    small, large = file_of(folder, 10, "small"), file_of(folder, 9 << 20, "large")
    return {
        "check": store.require_writable,
        "write": lambda: store.write("runs/a", b"1"),
        "create": lambda: store.write("runs/a", b"1", only_if_absent=True),
        "read": lambda: store.read("runs/a"),
        "read a range": lambda: store.read("runs/a", 0, 10),
        "read many": lambda: store.read_all(["runs/a", "runs/b"]),
        "look": lambda: store.exists("runs/a"),
        "list": lambda: store.objects("runs"),
        "list names": lambda: store.children("runs"),
        "clear": lambda: store.delete("runs"),
        "remove": lambda: store.remove(["runs/a"]),
        "upload": lambda: store.upload("runs", [Upload("small", small, "small")]),
        "upload many": lambda: store.upload("runs", [Upload("small", small, name) for name in "xy"]),
        "upload in parts": lambda: store.upload("runs", [Upload("large", large, "large")]),
        "fetch": lambda: store.fetch("a", folder / "a", "0" * 64),
        "fetch many": lambda: store.fetch_all([Download(name, folder / name, "0" * 64) for name in "ab"]),
    }


@pytest.fixture
def strange(way: type[S3], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, S3, Store]]:
    """A server that is not S3, with a backend and a store that use it."""
    with serving(Server()) as server:
        lead_to(server, monkeypatch)
        backend = way(S3Clients("s3://bucket/lab", SOON), "bucket/lab")
        yield server, backend, Store("s3://bucket/lab", SOON, backend=backend)


@pytest.mark.parametrize("status", [200, 404, *(pytest.param(i, marks=pytest.mark.slow) for i in (400, 403))])
def test_what_no_s3_server_answers_is_no_empty_store(
    strange: tuple[Server, S3, Store], tmp_path: Path, status: int
) -> None:
    server, _, store = strange
    server.status, operations = status, on_all(store, tmp_path)
    for server.body, kind in STRANGE.items():
        answer = rf"{status} (with {kind}|without an ETag)"
        sentence = rf"http://127\.0\.0\.1:{server.server_port} answers {answer}, {ADVICE}"
        for name, operation in operations.items():
            with pytest.raises(StoreError) as refused:
                operation()
            assert type(refused.value) is StoreError, (name, server.body)
            by_obstore = (
                status == 200 and name.startswith("upload") and "with something else" in str(refused.value)
            )
            assert by_obstore or re.search(sentence, str(refused.value)), (name, server.body, refused.value)


@pytest.mark.parametrize("status", [500, 503])
def test_what_stands_before_a_server_that_is_away_is_waited_for(
    strange: tuple[Server, S3, Store], tmp_path: Path, status: int
) -> None:
    server, backend, store = strange
    server.status = status
    for server.body, kind in STRANGE.items():
        sentence = rf"http://127.0.0.1:{server.server_port} answers {status} with {kind}, {ADVICE}"
        for operation in (
            store.require_writable,
            lambda: store.children("runs"),
            lambda: store.fetch("a", tmp_path / "a"),
        ):
            with pytest.raises(StoreError, match=re.escape(sentence)):
                operation()
        for ask in (lambda: list(backend.objects("runs")), lambda: backend.get("runs/a", tmp_path / "a")):
            with pytest.raises(Exception, match=r"answers|status") as raised:
                ask()
            assert backend.explain(raised.value).passes


S3S_OWN = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{0}</Code><Message>.</Message></Error>'


def test_what_an_s3_server_answers_keeps_its_meaning(
    strange: tuple[Server, S3, Store], tmp_path: Path
) -> None:
    server, _, store = strange
    server.status, server.body = 404, S3S_OWN.replace("{0}", "NoSuchKey")
    server.headers = {"x-amz-request-id": "1"}
    assert store.read("runs/a") is None
    assert store.read_all(["runs/a", "runs/b"]) == [None, None]
    assert not store.exists("runs/a")
    with pytest.raises(ObjectMissing):
        store.fetch("a", tmp_path / "a")
    server.body = S3S_OWN.replace("{0}", "NoSuchBucket")
    for name, operation in on_all(store, tmp_path).items():
        if name not in ("look", "create"):  # the answer to a HEAD has no body
            with pytest.raises(StoreError, match="there is no such bucket") as refused:
                operation()
            assert type(refused.value) is StoreError, name


def test_a_file_at_such_an_address_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Server(404)) as server:
        lead_to(server, monkeypatch)
        address = "s3://bucket/net.dlc"
        with pytest.raises(Exception, match="404 with an empty body") as refused:
            kind_at(*open_address(address), address)
        assert describe_error(address, refused.value).startswith("http://127.0.0.1:")


def test_a_body_that_a_proxy_finds_too_large_is_no_question_of_the_address(
    strange: tuple[Server, S3, Store], tmp_path: Path
) -> None:
    server, _, store = strange
    server.status, server.body = 413, "<html><body>413 Request Entity Too Large</body></html>"
    for operation in ("write", "upload", "upload many", "upload in parts"):
        with pytest.raises(StoreError, match=r"does not accept a body of that size; raise the limit"):
            on_all(store, tmp_path)[operation]()


def test_a_stored_page_is_read(s3: Store) -> None:
    s3.write("reports/index.html", b"<!doctype html>")
    assert s3.read("reports/index.html") == b"<!doctype html>"


def test_an_object_that_would_fill_memory_is_refused_at_once(
    either: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "LARGEST_READ", 10)
    for name, size in (("fits", 10), ("large", 11)):
        either.write(f"runs/{name}", b"x" * size)
    assert either.read("runs/fits") == b"x" * 10
    for ask in (lambda: either.read("runs/large"), lambda: either.read_all(["runs/fits", "runs/large"])):
        with pytest.raises(
            StoreError,
            match=r"runs/large: .*over 10 bytes, the maximum size of an object that is read at once",
        ):
            ask()
    assert either.read("runs/large", 1, 3) == b"xx"
