"""Check a chrometrace, without holding it where it has the viewer's layout: one event a line.

`ts` and `dur` are HTP cycles. Every op stands under pid 0 and once more under the pid of its QNN node, so figures
count pid 0 only. Tensors that were not executed are events too, without cycles among their arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

_EVENTS = b'"traceEvents"'
_EXECUTED = "Duration (cycles)"
_TAIL_BYTES = 4096


class TraceInvalid(Exception):
    """The file is not a whole chrometrace. The message says where it breaks."""


class _OtherLayout(Exception):
    """The file departs from one event a line. The message says how, which is where it breaks if it is not JSON."""


@dataclass
class TraceFacts:
    """Figures of a chrometrace. Cycles count from the graph's first cycle."""

    events: int = 0
    ops: int = 0
    end_cycle: int = 0
    counters: int = 0
    flows: int = 0


def check_trace(path: Path) -> TraceFacts:
    """Read a chrometrace to its end. Raises TraceInvalid if it is empty, not JSON, cut off, or holds no executed op."""
    try:
        try:
            with path.open("rb") as source:
                facts = _by_lines(source)
        except _OtherLayout as departure:
            facts = _as_a_whole(path, departure)
    except TraceInvalid as error:
        raise TraceInvalid(f"{path.name} {error}") from error
    if not facts.ops:
        raise TraceInvalid(f"{path.name} holds no op that was executed")
    return facts


def _by_lines(source: IO[bytes]) -> TraceFacts:
    _read_header(source)
    facts = TraceFacts()
    awaits_event = False
    for line in source:
        text = line.strip()
        if text.startswith(b"]"):
            if awaits_event:
                raise _OtherLayout("has a comma behind its last event")
            _parse(b"{" + _EVENTS + b":[" + text + source.read(), "is cut off behind its last event")
            return facts
        if text:
            if facts.events and not awaits_event:
                raise _OtherLayout(f"has no comma before event {facts.events + 1}")
            awaits_event = text.endswith(b",")
            complaint = f"is cut off or damaged at event {facts.events + 1}"
            _count(facts, _parse(text.removesuffix(b","), complaint))
    raise _OtherLayout(f"is cut off after {facts.events} events")


def _read_header(source: IO[bytes]) -> None:
    head = b""
    for line in source:
        head += line
        if _EVENTS in line:
            _parse(head + b"]}", "is damaged before its first event")
            return
    raise _OtherLayout("has no traceEvents" if head else "is empty")


def _parse(text: bytes, complaint: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _OtherLayout(complaint) from error


def _as_a_whole(path: Path, departure: _OtherLayout) -> TraceFacts:
    """Figures of a file in another layout of JSON, as in all in one line, or indented. It is held for that."""
    with path.open("rb") as source:
        source.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        if not source.read().rstrip().endswith(b"}"):  # cut off: not worth the memory
            raise TraceInvalid(str(departure)) from departure
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise TraceInvalid(str(departure)) from error
    events = document.get("traceEvents") if isinstance(document, dict) else None
    if not isinstance(events, list):
        raise TraceInvalid("has no traceEvents")
    facts = TraceFacts()
    for event in events:
        _count(facts, event)
    return facts


def _count(facts: TraceFacts, event: Any) -> None:
    facts.events += 1
    try:
        phase = event["ph"]
        if phase == "X" and event.get("pid") == 0 and _EXECUTED in event.get("args", ()):
            facts.ops += 1
            facts.end_cycle = max(facts.end_cycle, int(event["ts"] + event["dur"]))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise TraceInvalid(f"has an event {facts.events} that is none: {error!r}") from error
    facts.counters += phase == "C"
    facts.flows += phase in ("s", "f", "t")
