"""Chrometraces of any size: checked and summarised in a stream, in any JSON layout, plain or gzipped.

A trace must be readable by both a JSON parser and Perfetto: an object with `traceEvents`, or an array of events.
Perfetto also accepts missing commas and an array that is never closed; a file that was cut off looks the same, so
these are refused.

Values that are not valid JSON but that programs print nevertheless, such as `nan`, are not damage: they are named and
skipped.

`ts` and `dur` are HTP cycles. Every op appears under pid 0 and again under the pid of its QNN node, so figures count
pid 0 only. Tensors that were not executed are events too, without cycles among their arguments.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import IO, cast

from qhas.outside_bytes import Unbounded, open_regular
from qhas.profile.event_stream import Damage, Event, Window, batches

_PHASE = itemgetter("ph")
_FLOWS = ("s", "t", "f")
_EXECUTED = "Duration (cycles)"
_GZIP = b"\x1f\x8b"


class TraceInvalid(Exception):
    """The file is not a complete chrometrace. The message says where it breaks."""


@dataclass
class TraceFacts:
    """Figures of a chrometrace. Cycles count from the graph's first cycle."""

    events: int = 0
    ops: int = 0
    end_cycle: int = 0
    counters: int = 0
    flows: int = 0
    oddities: list[str] = field(default_factory=list)
    """Sentences without subject on values that are not valid JSON, which are ignored."""


def read_trace(path: Path, also: Callable[[list[Event], list[Event]], None]) -> TraceFacts:
    """Read a chrometrace to its end, passing `also` each batch of events and its executed ops of the overview.

    Raises TraceInvalid if the file is empty, not JSON, cut off, or holds no executed op.
    """
    facts = TraceFacts()
    try:
        with _opened(path) as source:
            window = Window(source)
            for events in batches(window):
                also(events, _count(facts, events))
            facts.oddities = window.oddities.sentences()
        if not facts.ops:
            raise Damage("contains no executed op")
    except Damage as damage:
        raise TraceInvalid(f"{path.name} {damage}") from damage
    except Unbounded as error:
        raise TraceInvalid(f"{path.name} cannot be read: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceInvalid(f"{path.name} is cut off or damaged in its gzip data: {error}") from error
    return facts


def _count(facts: TraceFacts, events: list[Event]) -> list[Event]:
    """Add the events to the figures and return the executed ops among them."""
    try:
        phases = Counter(map(_PHASE, events))
        if not all(isinstance(phase, str) for phase in phases):
            raise TypeError("its phase is not a string")
        executed = [
            event
            for event in events
            if event["ph"] == "X" and event.get("pid") == 0 and _EXECUTED in event.get("args", ())
        ]
        end_cycle = max((int(float(event["ts"]) + float(event["dur"])) for event in executed), default=0)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        if len(events) == 1:
            raise Damage(f"has an invalid event {facts.events + 1}: {error!r}") from error
        return [op for event in events for op in _count(facts, [event])]
    facts.events += len(events)
    facts.ops += len(executed)
    facts.end_cycle = max(facts.end_cycle, end_cycle)
    facts.counters += phases["C"]
    facts.flows += sum(phases[phase] for phase in _FLOWS)
    return executed


def thread_names(events: list[Event]) -> Iterator[tuple[int, str]]:
    """Yield the thread numbers of the overview with their names, as far as these events state them."""
    for event in events:
        if event["ph"] == "M" and event.get("name") == "thread_name" and event.get("pid") == 0:
            match event:
                case {"tid": int(tid), "args": {"name": str(name)}}:
                    yield tid, name


def _opened(path: Path) -> IO[bytes]:
    """Open the trace as plain bytes. Its first bytes, not its name, show whether it is packed."""
    with open_regular(path) as source:
        packed = source.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")
