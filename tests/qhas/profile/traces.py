"""A complete chrometrace in many layouts, and what is read from one or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.profiles import chrometrace
from qhas.profile.trace import TraceFacts, TraceInvalid, read_trace

WHOLE = chrometrace()
EXECUTED = '{"ph": "X", "pid": 0, "args": {"Duration (cycles)": 1}'
FACTS = TraceFacts(events=9, ops=2, end_cycle=150, counters=1, flows=2)


def check(folder: Path, content: str | bytes) -> TraceFacts:
    file = folder / "chrometrace.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_trace(file, lambda *_: None)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(TraceInvalid) as refused:
        check(folder, content)
    assert str(refused.value).startswith("chrometrace.json")
    assert "\n" not in str(refused.value)
    return str(refused.value)


LAYOUTS = {
    "one line": lambda document: json.dumps(document),
    "one line, compact": lambda document: json.dumps(document, separators=(",", ":")),
    "indented": lambda document: json.dumps(document, indent=4),
    "header indented": lambda document: json.dumps(document["header"], indent=4).join(
        ('{\n"header": ', WHOLE[WHOLE.index(",\n") :])
    ),
    "array on a line of its own": lambda _: WHOLE.replace('"traceEvents": [', '"traceEvents":\n['),
    "first event behind the array": lambda _: WHOLE.replace("[\n", "[", 1),
    "comma first": lambda _: WHOLE.replace("},\n{", "}\n,{"),
    "windows": lambda _: WHOLE.replace("\n", "\r\n"),
    "array closed behind the last event": lambda _: WHOLE.replace("\n]}", "]}"),
    "events first": lambda document: json.dumps(dict(reversed(document.items())), indent=1),
}
