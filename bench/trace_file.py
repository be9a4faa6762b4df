"""Chrometraces of any size, written as by the vendor's viewer, and checked as the product checks its own."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import IO, cast

from qhas.profile.trace import TraceFacts, read_trace

_MB = 1_000_000


class Layout(StrEnum):
    """The layout of the file."""

    LINES = "lines"
    """One event per line, as the vendor's viewer writes it."""
    ONE_LINE = "one-line"
    """No line break at all."""
    GZIP = "gzip"
    """One event per line, compressed as in the store. Megabytes and rates are those of the uncompressed content."""


_HEADER = (
    b'{"header": {"header_version": {"major": 1, "minor": 0, "patch": 0}, '
    b'"version": {"major": 1, "minor": 1, "patch": 0}, "artifact_type": "OP_TRACE"},%s"traceEvents": [%s'
)
_OP = (
    b'{ "name": "%(op)s", "ph": "X", "tid": %(tid)d, "pid": %(pid)d, "ts": %(ts)d, "dur": %(dur)d, "args": { '
    b'"ID": "0x%(id)016x", "HTP Op Type": "%(op)s", "Description": "%(op)s of %(node)s", "Dims": [1,%(dim)d,32,256], '
    b'"Data Type": "QUInt8", "Rank": 4, "Step Size": 0.00787%(dim)d, "Zero Offset": 128, '
    b'"Inputs Ops": ["0x%(input)016x"], "Flags": ["%(flag)s"], "Cycles per Packet": 4.23, "QNN Op Type": "%(type)s", '
    b'"QNN Op Name": "%(node)s", "Start Cycle": %(start)d, "Duration (cycles)": %(dur)d, '
    b'"Dominant Path Cycles": %(dominant)d} }'
)
_COUNTER = b'{ "name": "%s", "ph": "C", "pid": 0, "ts": %d, "args": {"": %d} }'
_THREAD = (
    b'{ "cat": "__metadata", "pid": 0, "tid": %d, "ph": "M", "name": "thread_name", '
    b'"args": {"name": "Core:0 Type: %s Tid: %d"} }'
)
_TYPES = (
    (b"q::ConvLayer_s1.opt", b"Conv2d", b"uses_hmx", 256),
    (b"q::Softmax.tcm", b"Softmax", b"uses_hvx", 512),
    (b"q::*InputSlice", b"Input", b"dma", 256),
    (b"q::Add_quantized@VTCM", b"ElementWiseAdd", b"uses_hvx", 513),
)
_THREADS = ((256, b"HMX"), (512, b"HVX"), (513, b"HVX"))


def write_trace(path: Path, megabytes: int, layout: Layout) -> int:
    """Write a trace of at least `megabytes` MB of JSON with the viewer's events; return its bytes of JSON."""
    line_end = b" " if layout is Layout.ONE_LINE else b"\n"
    written = 0
    with ExitStack() as stack:
        sink: IO[bytes] = stack.enter_context(path.open("wb"))
        if layout is Layout.GZIP:
            sink = cast(
                "IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=sink, mode="wb", compresslevel=6))
            )
        written += sink.write(_HEADER % (line_end, line_end))
        for event in _ops():
            written += sink.write(event + b"," + line_end)
            if written >= megabytes * _MB:
                break
        names = (_THREAD % (tid, unit, tid) for tid, unit in _THREADS)
        written += sink.write((b"," + line_end).join(names) + line_end + b"]}" + line_end)
    return written


def _ops() -> Iterator[bytes]:
    """Yield ops endlessly, each under its core and under its node, with what they read and wrote."""
    ts = 0
    for number in count(1):
        op, kind, flag, tid = _TYPES[number % len(_TYPES)]
        dur = 40 + number * 7919 % 4000
        event = {
            b"op": op,
            b"type": kind,
            b"flag": flag,
            b"tid": tid,
            b"node": b"%s_%d" % (kind, number // 8),
            b"id": number << 32 | number // 8,
            b"input": (number - 1) << 32 | number // 8,
            b"dim": 1 + number * 31 % 511,
            b"ts": ts,
            b"start": 1_668_554_052_135 + ts,
            b"dur": dur,
            b"dominant": dur if number % 3 else 0,
        }
        yield _OP % {**event, b"pid": 0}
        yield _OP % {**event, b"pid": 1 + number // 8}
        yield _COUNTER % (b"VTCM read", ts, dur * 64)
        yield _COUNTER % (b"DRAM read", ts, dur * 16)
        ts += dur // 2


def check_trace(path: Path) -> TraceFacts:
    """Read a whole chrometrace. Raises TraceInvalid if it is empty, not JSON, truncated, or has no executed op."""
    return read_trace(path, lambda _events, _executed: None)
