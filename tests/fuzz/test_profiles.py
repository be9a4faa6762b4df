"""What tools and devices write: summaries, traces, runtraces, schematics, logs, tables of times, devices' answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hostsdk.dlc.timeline_record import Timeline
from hostsdk.errors import ToolError
from hostsdk.viewer.log import LogError, parse_log
from hostsdk.viewer.schematic import SchematicError, parse_schematic
from hostsdk.viewer.timeline import TimelineError, find_timelines
from qhas.devices.health import parse_probe
from qhas.devices.hexagon import hexagon_of_device
from qhas.devices.identity import check_identity
from qhas.outside_text import shown
from qhas.profile.diagview import LatencyInvalid, latency, read_averages, read_samples
from qhas.profile.metrics import metrics_of
from qhas.profile.picture import read_timeline
from qhas.profile.qhas_file import QhasInvalid, parse_qhas
from qhas.profile.runtrace import RuntraceInvalid, read_runtrace
from qhas.profile.snpe_log import read_log_samples
from qhas.profile.trace import TraceInvalid
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.hostsdk.viewer import tiny
from tests.qhas.devices.test_health import BATTERY, THERMAL
from tests.qhas.profile import test_snpe_log
from tests.qhas.profile.test_diagview import totals

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]
SHARED = Path(__file__).parents[2] / ".." / "shared"
NOW = datetime(2026, 7, 1, tzinfo=UTC)
TRACE = (
    b'{"displayTimeUnit": "ns", "traceEvents": [\n'
    b'{"name": "process_name", "ph": "M", "pid": 0, "args": {"name": "Overview"}},\n'
    b'{"name": "thread_name", "ph": "M", "pid": 0, "tid": 1, "args": {"name": "HMX 0"}},\n'
    b'{"name": "q::ConvLayer", "ph": "X", "pid": 0, "tid": 1, "ts": 10, "dur": 40, "args": {"Duration (cycles)": 40, "Op": "conv"}},\n'
    b'{"name": "VTCM", "ph": "C", "pid": 2, "ts": 10, "args": {"Bytes": 100}},\n'
    b'{"name": "f", "ph": "s", "id": 1, "pid": 0, "tid": 1, "ts": 12}\n]}\n'
)


def stored(*patterns: str) -> list[bytes]:
    """Return real files of the shared folder, only the smaller ones; none if it is absent."""
    found = sorted(path for pattern in patterns for path in SHARED.glob(pattern))
    return [path.read_bytes() for path in found if path.stat().st_size < 400_000]


def from_file(folder: Path, name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Turn a reader of paths into a reader of bytes."""

    def parse(content: bytes) -> object:
        (path := folder / name).write_bytes(content)
        return read(path)

    return parse


def test_summaries(summary: bytes) -> None:
    seeds = [summary, *stored("inputs/qhas-*.json", "data/vendor/*qhas.json", "inputs/two-cores.json")]
    fuzz(seeds, lambda content: metrics_of(parse_qhas(content, "qhas.json")), QhasInvalid)


def test_traces(tmp_path: Path, trace: bytes) -> None:
    seeds = [TRACE, trace, *stored("inputs/trace-*.json")]
    fuzz(seeds, from_file(tmp_path, "chrometrace.json", read_timeline), TraceInvalid)


def test_runtraces(tmp_path: Path, runtrace_file: bytes) -> None:
    seeds = [runtrace_file, *stored("data/vendor/*runtrace.json")]
    fuzz(seeds, from_file(tmp_path, "runtrace.json", read_runtrace), RuntraceInvalid)


def test_schematics() -> None:
    seeds = [tiny.SCHEMATIC.encode(), *stored("inputs/schematic-*")]
    fuzz(seeds, lambda content: parse_schematic(content, "net_schematic.bin"), SchematicError)


def test_profiling_logs() -> None:
    fuzz([tiny.log()], lambda content: find_timelines([parse_log(content)]), LogError, TimelineError)


def test_timelines_of_records() -> None:
    made = Timeline("net", 1, 2, (), "0" * 64, "1" * 64).encode()
    fuzz([made], Timeline.decode, ToolError)


def test_tables_and_logs_of_times(tmp_path: Path) -> None:
    def table(content: bytes) -> None:
        text = content.decode("utf-8", "replace")
        read_averages(text)
        latency(read_samples(text, 3), 1, "burst")

    seeds = [totals(900, 700, 800).encode(), *stored("data/vendor/diagview-*.txt")]
    fuzz(seeds, table, LatencyInvalid, share=0.5)
    log = from_file(tmp_path, "SNPEDiag_0.log", lambda path: read_log_samples(path, 2))
    fuzz([test_snpe_log.log(1328, 940)], log, LatencyInvalid, share=0.5)


def test_answers_of_devices() -> None:
    def answer(content: bytes) -> None:
        text = content.decode("utf-8", "replace")
        probe = parse_probe(text, NOW)
        check_identity("sm8750", probe.identity)
        hexagon_of_device(text)
        shown(text)

    names = ("clock", "uptime", "thermal", "battery", "zones", "props", "tree", "supplies")
    whole = "".join(f"\n==qhas {name}==\n{THERMAL if name == 'thermal' else BATTERY}" for name in names)
    fuzz([whole.encode(), THERMAL.encode(), BATTERY.encode(), b"ro.soc.model=SM8750\n"], answer)
