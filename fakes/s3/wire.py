"""The wire between a client and an S3 server: a proxy that passes HTTP on, or fails on demand.

It handles one request per connection, so that a fault strikes exactly the request it was ordered for.
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import TracebackType
from typing import Self

_BLOCK = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Fault(StrEnum):
    """What happens to a request."""

    SLOW_DOWN = "slow-down"
    """503 SlowDown; the request never reaches the server."""
    ERROR = "error"
    """500 InternalError; the request never reaches the server."""
    DENY = "deny"
    """403 AccessDenied; the request never reaches the server."""
    UNKNOWN = "unknown"
    """501 NotImplemented; the request never reaches the server."""
    HANG = "hang"
    """The request is accepted and never answered; it never reaches the server."""
    RESET_SENDING = "reset-sending"
    """The connection is reset in the middle of the request's body."""
    RESET_ANSWERING = "reset-answering"
    """The connection is reset in the middle of the response's body."""
    TRUNCATE = "truncate"
    """The response's body ends half-way, as if it were complete."""
    CORRUPT = "corrupt"
    """One byte in the middle of the response's body is changed."""
    LOSE_ANSWER = "lose-answer"
    """The server does what was requested, but the client never receives the response."""


_ANSWERS = {
    Fault.SLOW_DOWN: (503, "Slow Down", "SlowDown", "Please reduce your request rate."),
    Fault.ERROR: (500, "Internal Server Error", "InternalError", "We encountered an internal error."),
    Fault.DENY: (403, "Forbidden", "AccessDenied", "Access Denied"),
    Fault.UNKNOWN: (501, "Not Implemented", "NotImplemented", "That is not implemented."),
}


class Elsewhere(StrEnum):
    """How S3 answers a request that was signed for a region other than the bucket's."""

    REDIRECT = "redirect"
    """301 PermanentRedirect without a Location; a header names the region."""
    MALFORMED = "malformed"
    """400 AuthorizationHeaderMalformed; the body names the region, and only a HEAD of the bucket gets the header."""


@dataclass
class WireRule:
    """A fault and the requests it strikes: by method, by a part of the path and query, and by chance.

    `times` counts down with every request struck; None means always. The first `after` matching requests are spared.
    """

    fault: Fault
    method: str = ""
    part: str = ""
    times: int | None = 1
    chance: float = 1.0
    after: int = 0

    def strikes(self, method: str, target: str, dice: random.Random) -> bool:
        """Whether this request is struck; updates the counts."""
        if self.times == 0 or (self.method and self.method != method) or self.part not in target:
            return False
        if self.after:
            self.after -= 1
            return False
        if self.chance < 1 and dice.random() >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Wire:
    """A proxy on loopback in front of `server_port`; `with` opens and closes it."""

    def __init__(self, server_port: int, seed: int = 1) -> None:
        self.server_port = server_port
        self.requests: list[tuple[str, str, Fault | None]] = []
        """The method, path with query, and fault of each request, in the order of arrival."""
        self.ignore_conditions = False
        """Whether If-None-Match is dropped on the way, as if the server did not know it."""
        self.region: tuple[str, Elsewhere] | None = None
        """The region that requests must be signed for, and how others are answered."""
        self._rules: list[WireRule] = []
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._out_until = 0.0
        self._closing = threading.Event()
        self._proxy = _Proxy(("127.0.0.1", 0), _Connection)
        self._proxy.wire = self

    @property
    def endpoint(self) -> str:
        """The address given to clients."""
        return f"http://127.0.0.1:{self._proxy.server_address[1]}"

    def order(self, *rules: WireRule) -> None:
        """Replace the rules, of which the first that strikes a request applies, and clear `requests`."""
        with self._lock:
            self._rules = list(rules)
            self.requests.clear()

    def outage(self, seconds: float) -> None:
        """Reset every connection for this long, starting now."""
        self._out_until = time.monotonic() + seconds

    @property
    def is_out(self) -> bool:
        """Whether there is an outage now."""
        return time.monotonic() < self._out_until

    def fault_for(self, method: str, target: str) -> Fault | None:
        """Choose and record the fault of a request."""
        with self._lock:
            fault = next((r.fault for r in self._rules if r.strikes(method, target, self._dice)), None)
            self.requests.append((method, target, fault))
        return fault

    def wait_for_close(self) -> None:
        """Wait until the wire closes, or at most 120 s."""
        self._closing.wait(120)

    def __enter__(self) -> Self:
        threading.Thread(target=self._proxy.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._proxy.shutdown()
        self._proxy.server_close()


class _Proxy(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    wire: Wire


class _Connection(BaseRequestHandler):
    """One connection of a client: one request and one response, then it is closed."""

    server: _Proxy

    def handle(self) -> None:
        with suppress(OSError):
            self._serve()

    def _serve(self) -> None:
        wire, client = self.server.wire, self.request
        if wire.is_out:
            _reset(client)
            return
        head, rest = _head(client)
        if not head:
            return
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        fault = wire.fault_for(method, target)
        if fault is Fault.HANG:
            wire.wait_for_close()
            return
        if fields(head).get("expect"):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if wire.region and _signed_for(head) != wire.region[0]:
            for _ in _body(client, fields(head), rest):
                pass
            client.sendall(_of_region(*wire.region, method, target))
            return
        if answer := _ANSWERS.get(fault) if fault else None:
            for _ in _body(client, fields(head), rest):
                pass
            client.sendall(_refusal(*answer, with_body=method != "HEAD"))
            return
        with socket.create_connection(("127.0.0.1", wire.server_port)) as server:
            dropped = [b"expect", b"connection", *([b"if-none-match"] if wire.ignore_conditions else [])]
            server.sendall(_without(head, *dropped, add=b"Connection: close"))
            size = int(fields(head).get("content-length", 0))
            passed = 0
            for block in _body(client, fields(head), rest):
                passed += len(block)
                if fault is Fault.RESET_SENDING and passed >= size // 2:
                    _reset(client)
                    return
                server.sendall(block)
            self._answer(server, fault, method)

    def _answer(self, server: socket.socket, fault: Fault | None, method: str) -> None:
        client: socket.socket = self.request
        head, rest = _head(server)
        while head.startswith(b"HTTP/1.1 100"):
            head, rest = _head(server, rest)
        if fault is Fault.LOSE_ANSWER:
            _reset(client)
            return
        client.sendall(_without(head, b"connection", b"keep-alive", add=b"Connection: close"))
        if method == "HEAD":
            return
        half, passed = int(fields(head).get("content-length", 0)) // 2, 0
        for block in _body(server, fields(head), rest):
            middle = 0 <= half - passed < len(block)
            if middle and fault is Fault.CORRUPT:
                at = half - passed
                block = block[:at] + bytes([block[at] ^ 0x55]) + block[at + 1 :]
            if middle and fault in (Fault.TRUNCATE, Fault.RESET_ANSWERING):
                client.sendall(block[: half - passed])
                if fault is Fault.RESET_ANSWERING:
                    _reset(client)
                return
            passed += len(block)
            client.sendall(block)


def fields(head: bytes) -> dict[str, str]:
    """Return the header fields by lower-case name."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _head(peer: socket.socket, begun: bytes = b"") -> tuple[bytes, bytes]:
    """Read the request or status line and fields, and any of the body that came along; empty if the peer is gone."""
    while b"\r\n\r\n" not in begun:
        block = peer.recv(_BLOCK)
        if not block:
            return b"", b""
        begun += block
    head, _, rest = begun.partition(b"\r\n\r\n")
    return head, rest


def _body(peer: socket.socket, head: dict[str, str], rest: bytes) -> Iterator[bytes]:
    """Yield the body as sent, chunk marks included; a response without a length lasts until the peer closes."""
    if head.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunks(peer, rest)
        return
    left = int(head["content-length"]) if "content-length" in head else (0 if "host" in head else 1 << 62)
    while left > 0:
        block = rest or peer.recv(_BLOCK)
        rest = b""
        if not block:
            return
        left -= len(block)
        yield block


def _chunks(peer: socket.socket, rest: bytes) -> Iterator[bytes]:
    tail = b""
    while True:
        block = rest or peer.recv(_BLOCK)
        rest = b""
        yield block
        tail = (tail + block)[-7:]
        if not block or tail.endswith(b"0\r\n\r\n"):
            return


def _without(head: bytes, *names: bytes, add: bytes) -> bytes:
    lines = head.split(b"\r\n")
    kept = [line for line in lines if line.split(b":", 1)[0].lower() not in names]
    return b"\r\n".join([*kept, add, b"", b""])


def _refusal(status: int, reason: str, code: str, message: str, with_body: bool) -> bytes:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + (body if with_body else b"")


def _signed_for(head: bytes) -> str:
    """Return the region in a signature's credential, from the header or the query."""
    credential = re.search(rb"Credential=[^/&,\s]+(?:/|%2F)\d{8}(?:/|%2F)([\w-]+)", head)
    return credential[1].decode() if credential else ""


def _of_region(region: str, how: Elsewhere, method: str, target: str) -> bytes:
    of_bucket = method == "HEAD" and "/" not in target.partition("?")[0].strip("/")
    named = f"x-amz-bucket-region: {region}\r\n" if how is Elsewhere.REDIRECT or of_bucket else ""
    status, code = {
        Elsewhere.REDIRECT: ("301 Moved Permanently", "PermanentRedirect"),
        Elsewhere.MALFORMED: ("400 Bad Request", "AuthorizationHeaderMalformed"),
    }[how]
    inside = f"<Region>{region}</Region>" if how is Elsewhere.MALFORMED else ""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>Elsewhere.</Message>{inside}</Error>'
    length = f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return f"HTTP/1.1 {status}\r\n{named}{length}{'' if method == 'HEAD' else body}".encode()


def _reset(peer: socket.socket) -> None:
    """Close with a reset instead of an orderly shutdown."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    peer.close()
