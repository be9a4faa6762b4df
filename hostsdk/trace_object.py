"""The simulator's trace as profiling logs carry it: a 56-byte header, Chrome-trace JSON, the graph's name.

The header is seven little-endian 64-bit words: 0x0001000000000000, 0, total length, kind (3: performance estimate), 0,
length of the JSON, length of the name.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from hostsdk.events import Event, Unit

EVENT_TYPE = 600
IDENTIFIER = "QNN Trace Hextimate Event"
_HEADER = struct.Struct("<7Q")
_MAGIC = 0x0001000000000000
_KIND_ESTIMATE = 3


def unpack(blob: bytes) -> tuple[bytes, str]:
    """Return the JSON and the graph's name. Raises ValueError for anything but an estimate's object."""
    if len(blob) < _HEADER.size:
        raise ValueError(f"a trace object of {len(blob)} bytes is cut off")
    magic, _, total, kind, _, payload, name = _HEADER.unpack_from(blob)
    if (magic, kind, total) != (_MAGIC, _KIND_ESTIMATE, len(blob)) or _HEADER.size + payload + name != total:
        raise ValueError("the trace object's header does not match its content")
    body = blob[_HEADER.size :]
    return body[:payload], body[payload:].decode("utf-8")


def pack(payload: bytes, graph: str) -> bytes:
    """Build the object for a trace of `graph`."""
    name = graph.encode()
    total = _HEADER.size + len(payload) + len(name)
    return _HEADER.pack(_MAGIC, 0, total, _KIND_ESTIMATE, 0, len(payload), len(name)) + payload + name


def event(payload: bytes, graph: str) -> Event:
    """Build the OBJECT event that holds the trace."""
    return Event(IDENTIFIER, EVENT_TYPE, 0, Unit.OBJECT, payload=pack(payload, graph))


def with_label(payload: bytes, label: dict[str, Any]) -> bytes:
    """Return the trace with `label` under a last top-level key "hostsdk"; the simulator's own text is kept as it is.

    Raises ValueError when `payload` is not a Chrome trace of the object form.
    """
    trace = json.loads(payload)
    if not payload.rstrip().endswith(b"}") or "traceEvents" not in trace:
        raise ValueError("the simulator's trace is not a Chrome trace")
    body = payload.rstrip()[:-1].rstrip()
    return body + b",\n  " + b'"hostsdk": ' + json.dumps(label, sort_keys=True).encode() + b"\n}\n"
