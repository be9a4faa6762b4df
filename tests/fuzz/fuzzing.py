"""Fuzz a parser: good bytes, changed in ways that matter, for FUZZ_SECONDS seconds (600 by default).

An example may end in the errors that the parser's contract names. Its time limit counts CPU time of this process, so a
busy machine makes no example too slow; its memory is limited as well.
"""

from __future__ import annotations

import gzip
import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))
_OWN_SECONDS = 20.0
_MEMORY_BYTES = 2 << 30
_ROUND = 200
_TOKENS = (
    *(
        b"",
        b"\0",
        b"\xff\xfe",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"\\",
        b'"',
        b"[" * 5000,
        b'{"a":' * 2000,
        b"\n" * 3000,
    ),
    *(
        b"nan",
        b"-inf",
        b"1e999",
        b"-1",
        b"0",
        b"18446744073709551615",
        b"9" * 5000,
        b"1e308",
        b"null",
        b"true",
        b"{}",
    ),
    *(
        b"\xf0\x9f\x92\xa9",
        b"\x1b]0;x\x07",
        "‮".encode(),
        b"../../x",
        b"&a [*a,*a]",
        b"!!python/name:x",
        b"<<: *a",
    ),
    *(
        b"\xff\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\x00\x00\x00\x80",
        b"\x01\x00\x00\x00",
        b"\xff" * 8,
        b"\xb3" * 64,
    ),
)
_SCALAR = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|\btrue\b|\bfalse\b|\bnull\b')
_CHANGES = ("value", "value", "value", "byte", "token", "replace", "cut", "double", "move", "end", "fill")
_VALUES = (
    *(b"null", b"true", b"[]", b"{}", b'""', b"0", b"-1", b"1e-320", b"1e308", b"-1e999", b"NaN"),
    *(b"2147483648", b"-9223372036854775809", b"18446744073709551616", b"9" * 300, b"0.5"),
    *(b'"0001-01-01T00:00:00Z"', b'"9999-12-31T23:59:59.999999Z"', b'"2026-03-01T03:00:00"', b'"2026-03-01"'),
    *(
        b'"../../x"',
        b'"/dev/zero"',
        b'"s3://u:p@h/x"',
        b'"' + b"x" * 300 + b'"',
        b'"\\u0000\\u001b]0;x\\u0007"',
    ),
    *(b'"\\ud800"', b'"\\u202e"', b'"=1+1"', b'"nan"', b'[[[[["x"]]]]]', b'{"": null}'),
)
"""JSON values that no writer intends, though the grammar allows most of them."""


@st.composite
def spoiled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Draw a seed with a few changes: values, bytes, tokens, pieces cut, doubled or moved; packed or truncated."""
    content = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(len(content), 1)))
        size = draw(st.sampled_from((1, 2, 4, 8, 16, 100, 1000, 100_000)))
        piece = bytes(content[at : at + size])
        match draw(st.sampled_from(_CHANGES)):
            case "value":
                if value := _SCALAR.search(content, at, at + 100_000):
                    content[value.start() : value.end()] = draw(st.sampled_from(_VALUES))
            case "byte":
                content[at : at + 1] = draw(st.binary(min_size=1, max_size=8))
            case "token":
                content[at:at] = draw(st.sampled_from(_TOKENS))
            case "replace":
                token = draw(st.sampled_from(_TOKENS))
                content[at : at + len(token)] = token
            case "cut":
                del content[at : at + size]
            case "double":
                content[at:at] = piece * draw(st.sampled_from((1, 2, 50)))
            case "move":
                del content[at : at + size]
                to = draw(st.integers(0, max(len(content), 1)))
                content[to:to] = piece
            case "end":
                del content[at:]
            case "fill":
                content[at : at + size] = draw(st.sampled_from((b"\0", b"\xff", b" ", b"["))) * len(piece)
    packed = draw(st.integers(0, 9)) == 0
    return gzip.compress(bytes(content), 1) if packed else bytes(content)


def fuzz(
    seeds: Sequence[bytes], parse: Callable[[bytes], object], *refusals: type[Exception], share: float = 1.0
) -> None:
    """Run the parser for its share of the time; any other error fails, with the smallest bytes that cause it."""
    end, rounds, failed = time.monotonic() + SECONDS * share, 0, False

    def example(content: bytes) -> None:
        nonlocal failed
        if time.monotonic() >= end and not failed:
            return  # skip the rest of the round, but keep shrinking a failure
        try:
            with bounded(), suppress(*refusals):
                parse(content)
        except BaseException:
            failed = True
            raise

    while not rounds or time.monotonic() < end:
        rounds += 1
        run = given(spoiled(seeds))(example)
        run = settings(
            max_examples=_ROUND,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(run)
        seed(rounds)(run)()


class TooSlow(BaseException):
    """Not an Exception, so that no parser can mistake it for an error of its own."""


@contextmanager
def bounded() -> Iterator[None]:
    """Limit the block's CPU time and the memory of the process."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow(f"over {_OWN_SECONDS:g} s of this process")

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_addresses() + _MEMORY_BYTES, before[1]))
    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _OWN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _addresses() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
