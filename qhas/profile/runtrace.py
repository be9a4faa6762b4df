"""The runtrace: how long the phases of every inference took, and at which clock.

Its events are in ticks of the device's 19.2 MHz timer; microseconds and gigahertz are the vendor's own, from their
arguments. If those are missing, they are derived from the ticks and cycles beside them, as the vendor's are.
"""

from __future__ import annotations

import gzip
import math
import re
import statistics
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from qhas.documents import Stored
from qhas.outside_bytes import open_regular
from qhas.outside_text import ShownText
from qhas.profile.mending import mended

WHOLE = "QNN DSP Execute"
GRAPH = "Graph Execute"
VTCM_ACQUIRE = "VTCM Acquire"
POWER_ON = "Resource Power On"
_TICKS_A_US = 19.2
_LARGEST = 64_000_000
_KEPT = 24
_LONGEST_NAME = 120
_GZIP = b"\x1f\x8b"
_THREAD = re.compile(r"Core (\d{1,3}) Execs")


class RuntraceInvalid(Exception):
    """The file is not a runtrace. The message says where it breaks."""


class Phase(Stored):
    """A phase of an inference: how long it took in microseconds, and the core's clock, None if not stated."""

    name: ShownText
    us: float
    clock_mhz: float | None = None


class Inference(Stored):
    """One inference on one core; its phases have the vendor's names and are in the order in which they begin."""

    graph: ShownText
    core: int = 0
    phases: list[Phase]

    def phase(self, name: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.name == name), None)


class Runtrace(Stored):
    """The inferences of one graph on the core that finishes last, in order; the first one is cold.

    Only the first few are kept. The warm figures are medians of the graph's execution over all inferences but the
    first.
    """

    inferences: list[Inference] = []
    count: int = 0
    """Number of inferences that ran."""
    warm_us: float | None = None
    warm_clock_mhz: float | None = None

    @property
    def graph_us(self) -> float | None:
        """The graph's own time in the cold inference, the one that the trace and the QHAS describe."""
        return self._cold(GRAPH, "us")

    @property
    def clock_mhz(self) -> float | None:
        """The clock during the graph's execution in the cold inference."""
        return self._cold(GRAPH, "clock_mhz")

    @property
    def vtcm_acquire_us(self) -> float | None:
        return self._cold(VTCM_ACQUIRE, "us")

    @property
    def power_on_us(self) -> float | None:
        return self._cold(POWER_ON, "us")

    def _cold(self, name: str, what: str) -> float | None:
        phase = self.inferences[0].phase(name) if self.inferences else None
        value: float | None = getattr(phase, what) if phase else None
        return value


def read_runtrace(path: Path, graph: str | None = None) -> Runtrace:
    """Read the inferences of a graph, by default the file's first; gzipped or not. Raises RuntraceInvalid."""
    try:
        with open_regular(path) as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as source:
            content = source.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RuntraceInvalid(f"{path.name} cannot be read: {error}") from error
    if len(content) > _LARGEST:
        raise RuntraceInvalid(f"{path.name} is over {_LARGEST // 1_000_000} MB")
    try:
        document = _document(content)
        if document["header"]["artifact_type"] != "RUN_TRACE":
            raise ValueError("its artifact type is not RUN_TRACE")
        return _of_graph(list(_lanes(document["traceEvents"])), graph)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RuntraceInvalid(f"{path.name} is not a runtrace: {error}") from error


def runtrace_beside(summary: Path) -> Runtrace | None:
    """Read the runtrace beside a QHAS file, as viewers name and stores pack the two; None if none can be read."""
    name = summary.name.removesuffix(".gz").removesuffix(".json")
    stem = name.removesuffix("qnn_htp_analysis_summary").removesuffix("qhas")
    if stem == name:
        return None
    for ending in (".json", ".json.gz"):
        with suppress(RuntraceInvalid):
            return read_runtrace(summary.with_name(f"{stem}runtrace{ending}"))
    return None


def _document(content: bytes) -> Any:
    """Parse the JSON, allowing for the `inf` that a phase of no ticks has as its `summary_inf/s`."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        if value := mended(content):
            return value.value
        raise


class _Lane(NamedTuple):
    """The inferences of one graph on one core, and the tick at which they end."""

    graph: str
    core: int
    inferences: list[Inference]
    end: float


def _of_graph(lanes: Sequence[_Lane], graph: str | None) -> Runtrace:
    wanted = lanes[0].graph if graph is None and lanes else graph
    last = max((lane for lane in lanes if lane.graph == wanted), key=attrgetter("end"), default=None)
    if last is None:
        return Runtrace()
    warm = [phase for inference in last.inferences[1:] if (phase := inference.phase(GRAPH))]
    return Runtrace(
        inferences=last.inferences[:_KEPT],
        count=len(last.inferences),
        warm_us=_median([phase.us for phase in warm]),
        warm_clock_mhz=_median([phase.clock_mhz for phase in warm if phase.clock_mhz]),
    )


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 6) if values else None


def _lanes(events: Sequence[dict[str, Any]]) -> Iterator[_Lane]:
    """Yield the inferences by graph and core, in the order in which they begin."""
    cores: dict[tuple[Any, Any], int] = {}
    for event in events:
        if event["ph"] != "M" or event.get("name") != "thread_name":
            continue
        if match := _THREAD.fullmatch(str(event["args"]["name"])):
            cores[event.get("pid"), event.get("tid")] = int(match[1])
    lanes: dict[tuple[str, Any, Any], list[dict[str, Any]]] = defaultdict(list)
    bars = (event for event in events if event["ph"] == "X")
    for event in sorted(bars, key=lambda event: (_number(event["ts"]) or 0.0, -_ticks(event))):
        graph = str(event.get("args", {}).get("graph_name", ""))[:_LONGEST_NAME]
        lanes[graph, event.get("pid"), event.get("tid")].append(event)
    for (graph, pid, tid), each in lanes.items():
        core = cores.get((pid, tid), 0)
        end = max((_number(event["ts"]) or 0.0) + _ticks(event) for event in each)
        yield _Lane(graph, core, [Inference(graph=graph, core=core, phases=p) for p in _split(each)], end)


def _split(events: Sequence[dict[str, Any]]) -> Iterator[list[Phase]]:
    """Split the events into phases per inference: a new inference starts at its total, or when a phase repeats."""
    phases = list[Phase]()
    for event in events:
        name = str(event["name"])[:_LONGEST_NAME]
        if phases and (name == WHOLE or any(phase.name == name for phase in phases)):
            yield phases
            phases = []
        phases.append(_phase(name, event))
    if phases:
        yield phases


def _phase(name: str, event: dict[str, Any]) -> Phase:
    args = event.get("args", {})
    us = _number(args.get("summary_time_us"))
    if us is None or us < 0:
        us = _ticks(event) / _TICKS_A_US
    clock_ghz = _number(args.get("summary_htp_frequency_ghz"))
    clock = 1000 * clock_ghz if clock_ghz is not None else _cycles(args) / us if us else 0.0
    return Phase(name=name, us=us, clock_mhz=round(clock, 6) if clock > 0 else None)


def _cycles(args: dict[str, Any]) -> float:
    start, end = _number(args.get("stat_start_cycles")), _number(args.get("stat_end_cycles"))
    return 0.0 if start is None or end is None else end - start


def _ticks(event: dict[str, Any]) -> float:
    """Return the duration of an event in ticks; 0 if it does not state one."""
    return max(_number(event.get("dur")) or 0.0, 0.0)


def _number(value: object) -> float | None:
    """Return a finite number as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
