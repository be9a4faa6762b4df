"""Reading a longer chrometrace takes no more memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.profiles import chrometrace, op_event

READ = """
import re, sys
from pathlib import Path
from qhas.profile.trace import read_trace
facts = read_trace(Path(sys.argv[1]), lambda *_: None)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(facts.events, peak.group(1))
"""
BULK = {
    "an event a line": (b",\n", lambda text: text),
    "one line": (b", ", lambda text: text),
    "indented": (b",\n", lambda text: json.dumps(json.loads(text), indent=4)),
}


def peak_kib(file: Path, events: int) -> int:
    """The peak resident set, in KiB, of a process that checks the trace; asserts that it finds all events."""
    done = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    found, peak = map(int, done.stdout.split())
    assert found == events
    return peak


def write_bulk(file: Path, layout: str, megabytes: int, *, packed: bool = False) -> int:
    """Write a trace of about `megabytes` MB, before any compression, and return its number of events."""
    separator, written = BULK[layout]
    event = written(op_event("q::ConvLayer_s1.opt" * 5)).encode()
    block = [event] * 1000
    blocks = max(1, megabytes * 1_000_000 // (len(event) * 1000))
    with gzip.open(file, "wb", 1) if packed else file.open("wb") as sink:
        sink.write(b'{"header": {}, "traceEvents": [')
        for number in range(blocks):
            sink.write((separator if number else b"") + separator.join(block))
        sink.write(b"]}")
    return blocks * 1000


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("layout", "megabytes", "packed"),
    [
        *[(layout, 20, False) for layout in BULK],
        ("one line", 20, True),
        pytest.param("one line", 150, False, marks=pytest.mark.slow),
        pytest.param("indented", 150, True, marks=pytest.mark.slow),
    ],
)
def test_memory_does_not_grow_with_the_trace(
    tmp_path: Path, layout: str, megabytes: int, packed: bool
) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    base = peak_kib(small, write_bulk(small, layout, 0))
    events = write_bulk(large, layout, megabytes, packed=packed)
    assert peak_kib(large, events) < base + 8 * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_longest_event_stays_within_the_memory_promised(tmp_path: Path) -> None:
    event = op_event()[:-1] + ', "of": [' + ",".join(["{}"] * 1_390_000) + "]}"
    file = tmp_path / "chrometrace.json"
    file.write_text(chrometrace([event, op_event()]), encoding="utf-8")
    assert peak_kib(file, 2) < 200 * 1024
