"""`python -m bench.studies.traces`: speed and memory of checking a chrometrace, against common parsers.

Every reader has a process of its own, bound to one core, and takes the same figures from the same file; a round counts
only if all agree. The file is in the page cache. A parser that holds the whole document is left out if memory is short.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, cast

from rich.console import Console

from bench.failure import BenchFailed
from bench.figures import Spread
from bench.size import Size
from bench.trace_file import Layout, write_trace
from bench.usage import Usage, peak_memory
from qhas.profile.trace import TraceFacts

_MB = 1_000_000
_MIB = 1 << 20
_MEMORY_A_BYTE = 12
"""Bytes of memory that a parsed document may take per byte of the file, with a margin."""


class Reader(StrEnum):
    """Ways to obtain the same figures from a trace, in the order in which a round runs them."""

    CHECK = "check_trace"
    """The product's reader."""
    SUMMARISE = "summarise_trace"
    """The product's reader, with a table of op types."""
    ORJSON = "orjson"
    """The document parsed as a whole."""
    JSON = "json"
    """The same, with the standard library."""
    IJSON = "ijson"
    """Parsed event by event, with the C backend."""


_HOLDS_THE_DOCUMENT = frozenset({Reader.ORJSON, Reader.JSON})


class TracesFailed(Exception):
    """A reader failed, or found figures that differ from the others'. The message says which."""


@dataclass(frozen=True)
class Options:
    """What to measure: each size, in megabytes, in each layout."""

    megabytes: tuple[int, ...] = (50,)
    layouts: tuple[Layout, ...] = (Layout.LINES,)
    rounds: int = 3


@dataclass(frozen=True)
class TraceFigures:
    """A reader's figures for one file over the rounds; if there are none, `left_out` says why."""

    reader: Reader
    layout: Layout
    megabytes: float
    rate: Spread | None = None
    """Megabytes of JSON per second of wall time."""
    cpu_rate: Spread | None = None
    """Megabytes of JSON per second of CPU time: the rate that a dedicated core would give."""
    ratio: Spread | None = None
    """CPU time over that of check_trace in the same round."""
    peak_memory: int = 0
    """Bytes; the maximum of all rounds, including the interpreter."""
    left_out: str = ""


_OPTIONS = {
    Size.QUICK: Options(megabytes=(20,), rounds=1),
    Size.NORMAL: Options(),
    Size.FULL: Options(megabytes=(50, 500, 2000)),
}


def measure(_: Path, size: Size, console: Console) -> Any:
    """Print the table and return the figures. Raises BenchFailed if a reader fails or its figures differ."""
    try:
        figures = run(_OPTIONS[size])
    except TracesFailed as error:
        raise BenchFailed(str(error)) from error
    console.print(table(figures), markup=False)
    return [asdict(of) for of in figures]


def run(options: Options) -> list[TraceFigures]:
    """Write the traces to a scratch folder and measure every reader on each. Raises TracesFailed."""
    found: list[TraceFigures] = []
    with tempfile.TemporaryDirectory(prefix="qhas-bench-traces-") as scratch:
        for megabytes in options.megabytes:
            for layout in options.layouts:
                trace = Path(scratch) / f"chrometrace-{megabytes}-{layout}.json"
                size = write_trace(trace, megabytes, layout)
                found += _measure(trace, size, layout, options.rounds)
                trace.unlink()
    return found


def table(figures: Sequence[TraceFigures]) -> str:
    """Format the figures as a Markdown table, with minimum/median/maximum over the rounds."""
    lines = [
        "| trace | reader | MB/s | MB/s of CPU time | CPU time, check_trace = 1 | peak RSS, MiB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for of in figures:
        name = f"| {of.megabytes:.0f} MB, {of.layout} | {of.reader} |"
        if of.rate and of.cpu_rate and of.ratio:
            cells = (
                _three(of.rate),
                _three(of.cpu_rate),
                _three(of.ratio, 2),
                f"{of.peak_memory / _MIB:.0f}",
            )
            lines.append(f"{name} {' | '.join(cells)} |")
        else:
            lines.append(f"{name} {of.left_out} | | | |")
    return "\n".join(lines)


def _three(spread: Spread, digits: int = 0) -> str:
    return "/".join(f"{value:.{digits}f}" for value in (spread.low, spread.middle, spread.high))


# The readers, each in a process of its own.


_FIGURES = ("events", "ops", "end_cycle", "counters", "flows")


def _figures(facts: TraceFacts) -> dict[str, int]:
    return {name: getattr(facts, name) for name in _FIGURES}


def _with_check(trace: Path) -> dict[str, int]:
    from bench.trace_file import check_trace

    return _figures(check_trace(trace))


def _with_summarise(trace: Path) -> dict[str, int]:
    from bench.studies.trace_summary import summarise_trace

    return _figures(summarise_trace(trace).facts)


def _with_orjson(trace: Path) -> dict[str, int]:
    import orjson

    with _opened(trace) as source:
        return _counted(orjson.loads(source.read())["traceEvents"])


def _with_json(trace: Path) -> dict[str, int]:
    with _opened(trace) as source:
        return _counted(json.load(source)["traceEvents"])


def _with_ijson(trace: Path) -> dict[str, int]:
    backend = import_module("ijson.backends.yajl2_c")
    with _opened(trace) as source:
        return _counted(backend.items(source, "traceEvents.item", use_float=True))


_READERS: MappingProxyType[Reader, Callable[[Path], dict[str, int]]] = MappingProxyType(
    {
        Reader.CHECK: _with_check,
        Reader.SUMMARISE: _with_summarise,
        Reader.ORJSON: _with_orjson,
        Reader.JSON: _with_json,
        Reader.IJSON: _with_ijson,
    }
)


def _opened(trace: Path) -> IO[bytes]:
    packed = trace.stem.endswith(Layout.GZIP)
    return cast("IO[bytes]", gzip.open(trace)) if packed else trace.open("rb")


def _counted(events: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Compute the figures of check_trace as a script would."""
    facts = dict.fromkeys(_FIGURES, 0)
    for event in events:
        facts["events"] += 1
        phase = event["ph"]
        if phase == "C":
            facts["counters"] += 1
        elif phase in ("s", "t", "f"):
            facts["flows"] += 1
        elif phase == "X" and event["pid"] == 0 and "Duration (cycles)" in event["args"]:
            facts["ops"] += 1
            facts["end_cycle"] = max(facts["end_cycle"], event["ts"] + event["dur"])
    return facts


def _read(reader: Reader, trace: Path) -> dict[str, object]:
    """Read the trace on one core. The seconds include the import of the parser."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    before = Usage.so_far()
    facts = _READERS[reader](trace)
    used = Usage.so_far() - before
    return {"facts": facts, "wall": used.wall, "cpu": used.cpu, "peak_memory": peak_memory()}


# The rounds.


def _measure(trace: Path, size: int, layout: Layout, rounds: int) -> list[TraceFigures]:
    missing = {reader: _reason_against(reader, size) for reader in Reader}
    runners = [reader for reader in Reader if not missing[reader]]
    finished = [{reader: _in_a_process(reader, trace) for reader in runners} for _ in range(rounds)]
    facts = finished[0][Reader.CHECK]["facts"]
    for round_ in finished:
        for reader, result in round_.items():
            if result["facts"] != facts:
                raise TracesFailed(f"{reader} found {result['facts']} where check_trace found {facts}")
    megabytes = size / _MB
    return [
        TraceFigures(
            reader,
            layout,
            megabytes,
            rate=Spread.of(megabytes / round_[reader]["wall"] for round_ in finished),
            cpu_rate=Spread.of(megabytes / round_[reader]["cpu"] for round_ in finished),
            ratio=Spread.of(round_[reader]["cpu"] / round_[Reader.CHECK]["cpu"] for round_ in finished),
            peak_memory=max(round_[reader]["peak_memory"] for round_ in finished),
        )
        if reader in runners
        else TraceFigures(reader, layout, megabytes, left_out=missing[reader])
        for reader in Reader
    ]


def _reason_against(reader: Reader, size: int) -> str:
    if reader is Reader.IJSON and not find_spec("ijson"):
        return "not installed"
    if reader in _HOLDS_THE_DOCUMENT and size * _MEMORY_A_BYTE > _free_memory():
        return f"left out: may take {size * _MEMORY_A_BYTE / 1e9:.0f} GB of memory"
    return ""


def _free_memory() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _in_a_process(reader: Reader, trace: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", "bench.studies.traces", "--read", reader, str(trace)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise TracesFailed(f"{reader} failed: {said[-1] if said else f'code {done.returncode}'}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(argv: Sequence[str]) -> int:
    """Return 0 with all figures, or 1 with one sentence if a reader failed or its figures differ from the others'."""
    parser = argparse.ArgumentParser(prog="python -m bench.studies.traces", description=__doc__)
    parser.add_argument(
        "--megabytes", type=int, nargs="+", default=[50], metavar="N", help="e.g. 50 500 2000"
    )
    parser.add_argument("--layouts", type=Layout, nargs="+", default=[Layout.LINES], choices=list(Layout))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--read", nargs=2, metavar=("READER", "TRACE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.read:
        print(json.dumps(_read(Reader(chosen.read[0]), Path(chosen.read[1]))))
        return 0
    try:
        figures = run(Options(tuple(chosen.megabytes), tuple(chosen.layouts), chosen.rounds))
    except TracesFailed as error:
        print(f"No figures: {error}", file=sys.stderr)
        return 1
    print(table(figures))
    if chosen.json:
        partial = chosen.json.with_name(f"{chosen.json.name}.partial")
        partial.write_text(json.dumps([asdict(of) for of in figures], indent=2), encoding="utf-8")
        partial.replace(chosen.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
