"""Check a chrometrace without holding it: the viewer writes one event a line.

`ts` and `dur` are HTP cycles. Every op stands under pid 0 and once more under the pid of its QNN node, so figures
count pid 0 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

_EVENTS = b'"traceEvents"'
_HEADER_LIMIT = 1 << 20


class TraceInvalid(Exception):
    """The file is not a whole chrometrace. The message says where it breaks."""


@dataclass
class TraceFacts:
    """Figures of a chrometrace. Cycles count from the graph's first cycle."""

    events: int = 0
    ops: int = 0
    end_cycle: int = 0
    counters: int = 0
    flows: int = 0


def check_trace(path: Path) -> TraceFacts:
    """Read a chrometrace to its end. Raises TraceInvalid if it is empty, not JSON, or cut off."""
    facts = TraceFacts()
    with path.open("rb") as source:
        _skip_header(source, path.name)
        for number, line in enumerate(source, start=1):
            text = line.strip().removesuffix(b",")
            if text.startswith(b"]"):
                if not text.endswith(b"}"):
                    text += b"".join(source.readlines()).strip()
                if not text.endswith(b"}"):
                    raise TraceInvalid(f"{path.name} is cut off behind its last event")
                return _not_idle(facts, path.name)
            if text:
                _count(facts, text, number, path.name)
    raise TraceInvalid(f"{path.name} is cut off after {facts.events} events")


def _skip_header(source: IO[bytes], name: str) -> None:
    head = b""
    for line in source:
        head += line
        if _EVENTS in line:
            if not head.lstrip().startswith(b"{"):
                break
            return
        if len(head) > _HEADER_LIMIT:
            break
    raise TraceInvalid(f"{name} is empty" if not head else f"{name} has no traceEvents")


def _count(facts: TraceFacts, text: bytes, number: int, name: str) -> None:
    try:
        event = orjson.loads(text)
        phase, pid = event["ph"], event.get("pid")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise TraceInvalid(f"{name}: event {number} is not a trace event: {error}") from error
    facts.events += 1
    if phase == "X" and pid == 0:
        facts.ops += 1
        facts.end_cycle = max(facts.end_cycle, int(event["ts"] + event["dur"]))
    elif phase == "C":
        facts.counters += 1
    elif phase in ("s", "f", "t"):
        facts.flows += 1


def _not_idle(facts: TraceFacts, name: str) -> TraceFacts:
    if not facts.ops:
        raise TraceInvalid(f"{name} holds no op that was executed")
    return facts
