"""Whatever a server of networks, lists and data does, it is refused in one sentence and in bounded time."""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import fsspec
import pytest
from aiohttp import ClientError

from qhas.failures import InvalidInput
from qhas.machine import waits
from qhas.outside_bytes import Unbounded
from qhas.store import Store, addresses
from qhas.store.addresses import TooSlow, describe_error, fetch, kind_at, open_address, read_address
from qhas.store.errors import ObjectMissing, StoreError, is_absent, trouble_of
from qhas.store.patience import Patience
from qhas.sweep.plan import _require

LARGEST = 1 << 20
PACKED = gzip.compress(b"\0" * 5_000_000)


class _Rogue(BaseHTTPRequestHandler):
    """Misbehaves in the way that the first word of the path names."""

    protocol_version = "HTTP/1.1"
    over, awaited = Event(), Event()

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        with suppress(OSError):
            getattr(self, self.path.split("/")[1])(body)

    def _head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def _drip(self, piece: bytes) -> None:
        while not self.over.wait(0.05):
            self.wfile.write(piece)
            self.wfile.flush()

    def silent(self, _body: bool) -> None:
        self.over.wait()

    def waits(self, _body: bool) -> None:
        self.awaited.wait()
        self._head(404, Content_Length=0)

    def silent_then(self, body: bool) -> None:
        self.over.wait() if body else self._head(Content_Length=20)

    def drips_its_head(self, _body: bool) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        self._drip(b"y")

    def drips(self, body: bool) -> None:
        self._head(Content_Length=10**6)
        if body:
            self._drip(b"y")

    def loops(self, _body: bool) -> None:
        self._head(302, Location=self.path, Content_Length=0)

    def fails(self, _body: bool) -> None:
        self._head(503, Content_Length=0)

    def forbids(self, _body: bool) -> None:
        self._head(403, Content_Length=0)

    def gone(self, _body: bool) -> None:
        self._head(410, Content_Length=0)

    def is_shorter(self, body: bool) -> None:
        self._head(Content_Length=100)
        self.close_connection = True
        if body:
            self.wfile.write(b"y")

    def is_no_http(self, _body: bool) -> None:
        self.close_connection = True
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    def is_larger(self, body: bool) -> None:
        self._head(Content_Length=2, Connection="close")
        self.close_connection = True
        if body:
            self.wfile.write(b"y" * 5000)

    def claims_much(self, body: bool) -> None:
        self._head(Content_Length=10**15)
        if body:
            self._drip(b"y")

    def never_ends(self, body: bool) -> None:
        self._head(Connection="close")
        self.close_connection = True
        while body:
            self.wfile.write(b"y" * 100_000)

    def unpacks(self, body: bool) -> None:
        self._head(Content_Encoding="gzip", Content_Length=len(PACKED))
        if body:
            self.wfile.write(PACKED)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def rogue() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Rogue) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        _Rogue.over.set()
        server.shutdown()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits short enough for a test to reach."""
    monkeypatch.setattr(addresses, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(addresses, "FIRST_SECONDS", 0.5)
    monkeypatch.setattr(addresses, "SLOWEST", 1 << 30)


SLOW = [
    ("silent", "its server was silent for 0.5 seconds"),
    ("silent_then", "its server was silent for 0.5 seconds"),
    ("drips_its_head", "its server was silent for 0.5 seconds"),
    ("drips", r"its server sends only \d+ bytes per second|its server was silent for 0.5 seconds"),
]
SAID = [
    ("loops", "its server redirects endlessly"),
    ("fails", "its server answers 503"),
    ("forbids", "its server answers 403"),
    ("gone", "there is no such file"),
    ("is_shorter", "its server sent less than it announced"),
    ("is_no_http", "its server answers with something that is not HTTP"),
    ("claims_much", "it is over 1 MB"),
    ("never_ends", "it is over 1 MB"),
    ("unpacks", "it is over 1 MB"),
]


def refused(address: str, target: Path) -> str:
    """The reason why the address is not fetched; nothing of it may remain on disk."""
    fs, path = open_address(address)
    with pytest.raises((OSError, ClientError)) as failed:
        fetch(fs, path, target, LARGEST)
    assert not target.exists()
    return describe_error(address, failed.value)


@pytest.mark.parametrize(("kind", "sentence"), SAID, ids=[kind for kind, _ in SAID])
def test_what_a_server_does_instead_is_said(kind: str, sentence: str, rogue: str, tmp_path: Path) -> None:
    assert refused(f"{rogue}/{kind}/net.dlc", tmp_path / "net.dlc").startswith(sentence)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("kind", "sentence"), SLOW, ids=[kind for kind, _ in SLOW])
def test_a_server_that_would_not_end_is_left(kind: str, sentence: str, rogue: str, tmp_path: Path) -> None:
    assert re.match(sentence, refused(f"{rogue}/{kind}/net.dlc", tmp_path / "net.dlc"))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["silent", "drips_its_head", "loops", "fails", "forbids"])
def test_a_server_that_does_not_tell_is_not_taken_for_one_without_the_file(kind: str, rogue: str) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be accessed: its server (was|redirects|answers)"):
        _require(f"{rogue}/{kind}/net.dlc")


@pytest.mark.parametrize("address", ["http://[::1/x.dlc", "http://127.0.0.1:99999/x.dlc"])
def test_an_address_that_is_none_is_not_taken_for_a_file_that_is_gone(address: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be accessed"):
        _require(address)


def test_a_file_that_is_gone_is_not_there(rogue: str) -> None:
    with pytest.raises(InvalidInput, match="There is no file"):
        _require(f"{rogue}/gone/net.dlc")


def test_what_follows_the_told_size_is_not_read(rogue: str) -> None:
    fs, path = open_address(f"{rogue}/is_larger/list.txt")
    refusals = list[str]()
    try:
        content = read_address(fs, path, LARGEST)
    except ClientError as error:  # when all of it arrived at once
        content = b"yy"
        refusals.append(describe_error(path, error))
    assert content == b"yy"
    assert set(refusals) <= {"its server answers with something that is not HTTP"}


@pytest.mark.parametrize(
    "ask", [lambda fs, path: read_address(fs, path, 9), lambda fs, path: kind_at(fs, path, path)]
)
def test_who_waits_can_say_for_what(ask: Callable[[object, str], object], rogue: str) -> None:
    _Rogue.awaited.clear()
    fs, path = open_address(f"{rogue}/waits/list.txt")

    def run() -> None:
        with suppress(OSError):
            ask(fs, path)

    (waiting := Thread(target=run)).start()
    while not any(map(_names(path), waits.waited_for(0))):
        time.sleep(0.01)
    _Rogue.awaited.set()
    waiting.join()
    assert not any(map(_names(path), waits.waited_for(0)))


def _names(path: str) -> Callable[[str], bool]:
    return lambda wait: path in wait


def test_a_transfer_that_goes_on_is_no_wait(
    rogue: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(addresses, "SLOWEST", 0)
    fs, path = open_address(f"{rogue}/drips/net.dlc")
    seen = list[set[str]]()

    class Enough(Exception):
        """Raised once the test has seen enough."""

    def look(self: object, _size: int) -> None:
        if seen:
            seen.append(waits.waited_for(0))
            raise Enough
        seen.append(waits.waited_for(0))

    real = addresses._Watch.relative_update
    monkeypatch.setattr(
        addresses._Watch, "relative_update", lambda self, inc=1: (real(self, inc), look(self, inc))
    )
    with pytest.raises(Enough):
        fetch(fs, path, tmp_path / "x", LARGEST)
    assert not any(map(_names(path), seen[-1]))


def test_a_transfer_may_be_slow_at_first_and_as_slow_as_the_slowest_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(addresses.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(addresses, "SLOWEST", 10)
    monkeypatch.setattr(addresses, "FIRST_SECONDS", 5.0)
    watch = addresses._Watch(LARGEST, lambda: None)
    watch.relative_update(1)
    now[0] = 10.0
    watch.relative_update(99)
    now[0] = 11.0
    with pytest.raises(TooSlow):
        watch.relative_update(1)


@pytest.mark.parametrize("name", ["zero", "pipe", "folder"])
def test_what_is_no_regular_file_of_this_host_is_not_copied(name: str, tmp_path: Path) -> None:
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    fs, path = open_address(str(tmp_path / name))
    with pytest.raises(Unbounded, match="not a regular file"):
        fetch(fs, path, tmp_path / "copy", LARGEST)


def test_a_folder_of_another_store_is_none_either(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/addresses/a/x", b"x")
    fs, path = open_address("memory://addresses/a")
    with pytest.raises(IsADirectoryError):
        fetch(fs, path, tmp_path / "copy", LARGEST)


def test_a_password_of_the_address_is_in_no_sentence() -> None:
    address = "http://me:hunter2@host/x.dlc"
    assert "hunter2" not in describe_error(address, OSError(f"cannot reach {address}"))
    assert not is_absent(OSError("x"))


@pytest.mark.parametrize("kind", ["fails", "forbids", "loops"])
def test_a_store_of_the_web_that_does_not_tell_is_not_taken_for_an_empty_one(kind: str, rogue: str) -> None:
    store = Store(f"{rogue}/{kind}", patience=Patience(total=0))
    with pytest.raises(StoreError) as failed:
        store.exists("runs/nightly-1/sweep.json")
    assert not isinstance(failed.value, ObjectMissing)


@pytest.mark.parametrize(("kind", "asks_again"), [("fails", True), ("forbids", False), ("loops", False)])
def test_a_server_of_the_web_is_asked_again_where_that_may_help(
    kind: str, asks_again: bool, rogue: str
) -> None:
    fs, path = open_address(f"{rogue}/{kind}/x")
    with pytest.raises(ClientError) as failed:
        kind_at(fs, path, path)
    assert trouble_of(failed.value).passes is asks_again


def test_in_a_store_of_the_web_what_is_gone_is_not_there(rogue: str) -> None:
    assert not Store(f"{rogue}/gone").exists("runs/nightly-1/sweep.json")
