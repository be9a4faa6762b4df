"""The chrometrace (`<stem>.json`): every event on its thread, in HTP cycles, one event a line.

Every event appears twice, as in the vendor's files: under process 0, the overview of the core, and under one process
per QNN node. Sums must use process 0 only. Then come the counters, the arrows if requested, and the names of processes
and threads. Where a simulator cannot say what a device would:

- "Start Cycle" equals `ts`: both count from the graph's first cycle.
- Thread numbers are the simulator's.
- "Cycles per Packet" is left out: not estimated.
- Bookkeeping of the foreground thread keeps the simulator's names ("default_dma_sync (q::X)") and has no dominant
  path cycles.

In addition, slices have a `cat`, the unit they run on, by which Perfetto can filter; the vendor's have none. The same
trace can be written with its times in microseconds, the unit in which viewers label them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.features import Feature
from hostsdk.viewer.header import Artifact, header, provenance
from hostsdk.viewer.json_text import compact
from hostsdk.viewer.levels import levels
from hostsdk.viewer.timeline import Event, Unit

_OVERVIEW = 0
_FIRST = 1
"""The vendor's sort index of the overview: before the nodes, whose OpIds begin at 2."""
_TRACKS = (
    ("VTCM read", "vtcm_read"),
    ("VTCM write", "vtcm_write"),
    ("DRAM read", "dram_read"),
    ("DRAM write", "dram_write"),
)
Time = int | float
Clock = Callable[[int], Time]
"""Converts cycles to the unit of `ts` and `dur`."""


def in_cycles(cycles: int) -> Time:
    """Keep times in cycles, as the vendor's viewer writes them."""
    return cycles


def in_microseconds(analysis: Analysis) -> Clock:
    """Return a clock in microseconds, to the nanosecond, at the core clock that the simulator assumed."""
    return lambda cycles: round(cycles / analysis.timeline.core_mhz, 3)


def chrometrace(analysis: Analysis, features: frozenset[Feature], clock: Clock = in_cycles) -> Iterator[str]:
    """Yield the text of the file in pieces. Arguments of events stay in cycles whatever the clock."""
    yield f'{{"header": {compact(header(Artifact.OP_TRACE, analysis))},\n"traceEvents": [\n'
    separator = ""
    for line in _lines(analysis, features, clock):
        yield separator + line
        separator = ",\n"
    yield "\n]}\n"


def _lines(analysis: Analysis, features: frozenset[Feature], clock: Clock) -> Iterator[str]:
    pids = _processes(analysis)
    yield from _ops(analysis, pids, Feature.TRACEBACK in features, clock)
    if Feature.MEMORY_INFO in features:
        yield from _counters(analysis, clock)
    if Feature.INPUT_OUTPUT_FLOWS in features:
        yield from _flows(_data_pairs(analysis), "input_output", "InputOutputFlowEvents", clock)
    if Feature.SEQUENCER_FLOWS in features:
        yield from _flows(_sequencer_pairs(analysis), "sequencer", "SequencerFlowEvents", clock)
    yield from _metadata(analysis, pids)


def _processes(analysis: Analysis) -> dict[int, int]:
    """Return process numbers by OpId, in the order in which the nodes begin."""
    pids: dict[int, int] = {}
    for event in sorted(analysis.events, key=lambda event: event.start):
        pids.setdefault(event.qnn_id, len(pids) + 1)
    return pids


def _ops(analysis: Analysis, pids: dict[int, int], traceback: bool, clock: Clock) -> Iterator[str]:
    shares = iter(analysis.path.cycles)
    for event in analysis.events:
        dominant = next(shares) if event.unit.works else 0
        name = compact(event.htp_op)
        place = f'"ts": {clock(event.start)}, "dur": {clock(event.cycles)}'
        kind = _category(event)
        args = compact(_args(analysis, event, dominant, traceback))
        for pid in (_OVERVIEW, pids[event.qnn_id]):
            yield f'{{"cat": "{kind}", "name": {name}, "ph": "X", "tid": {event.tid}, "pid": {pid}, {place}, "args": {args}}}'


def _category(event: Event) -> str:
    return event.unit.value if event.unit.works else "bookkeeping"


def _args(analysis: Analysis, event: Event, dominant: int, traceback: bool) -> dict[str, Any]:
    tensor = analysis.tensor(event)
    node = analysis.node(event)
    args: dict[str, Any] = {"ID": _id(event.op_id), "HTP Op Type": event.htp_op}
    if description := analysis.schematic.descriptions.get(event.op_id):
        args["Description"] = description
    if tensor.rank:
        args["Dims"] = tensor.dims
    args |= {
        "Data Type": tensor.dtype,
        "Rank": tensor.rank,
        "Step Size": tensor.step_size,
        "Zero Offset": tensor.zero_offset,
    }
    if traceback and event.unit.works and (sources := analysis.inputs.get(event.op_id)):
        args["Inputs Ops"] = [_id(source) for source in sources]
    args |= {
        "Flags": event.flags,
        "QNN Op Type": node.type,
        "QNN Op Name": node.name,
    }
    if framework := analysis.framework_names.get(node.name):
        args["Framework Op Name"] = framework
    return args | {
        "Start Cycle": event.start,
        "Duration (cycles)": event.cycles,
        "Dominant Path Cycles": dominant,
    }


def _id(op_id: int) -> str:
    return f"0x{op_id:016x}"


def _counters(analysis: Analysis, clock: Clock) -> Iterator[str]:
    for cycle, used in analysis.vtcm:
        yield _counter("VTCM alloc", clock(cycle), used)
    for cycle, level in levels(analysis.work):
        for label, field in _TRACKS:
            yield _counter(label, clock(cycle), getattr(level, field))


def _counter(label: str, at: Time, amount: int) -> str:
    return f'{{"name": "{label}", "ph": "C", "tid": 0, "pid": {_OVERVIEW}, "ts": {at}, "args": {{"": {amount}}}}}'


def _data_pairs(analysis: Analysis) -> Iterator[tuple[Event, Event]]:
    """Yield producer and consumer, one pair per op and input, each by its first event."""
    first: dict[int, Event] = {}
    for event in analysis.work:
        if event.op_id not in first or event.start < first[event.op_id].start:
            first[event.op_id] = event
    for op_id, sources in analysis.inputs.items():
        for source in sources:
            yield first[source], first[op_id]


def _sequencer_pairs(analysis: Analysis) -> Iterator[tuple[Event, Event]]:
    """Yield the foreground thread's event that starts an op, and the op: they have the same id, in the same order."""
    started: dict[int, list[Event]] = defaultdict(list)
    for event in analysis.work:
        started[event.op_id].append(event)
    turn: dict[int, int] = defaultdict(int)
    for event in analysis.events:
        if event.unit is Unit.SEQUENCER and turn[event.op_id] < len(started.get(event.op_id, ())):
            yield event, started[event.op_id][turn[event.op_id]]
            turn[event.op_id] += 1


def _flows(pairs: Iterator[tuple[Event, Event]], category: str, name: str, clock: Clock) -> Iterator[str]:
    for number, (source, target) in enumerate(pairs):
        leaving = clock(max(source.start, source.end - 1))
        begin, end = f'"cat": "{category}", "name": "{name}", "tid": ', f'"id": {number}'
        yield f'{{{begin}{source.tid}, "pid": {_OVERVIEW}, "ts": {leaving}, "ph": "s", {end}}}'
        yield f'{{{begin}{target.tid}, "pid": {_OVERVIEW}, "ts": {clock(target.start)}, "ph": "f", "pb": "e", {end}}}'


def _metadata(analysis: Analysis, pids: dict[int, int]) -> Iterator[str]:
    origin = provenance(analysis)
    label = f"{origin['origin']} estimate, {origin['soc']}"
    qnn_ids = {pid: qnn_id for qnn_id, pid in pids.items()}
    yield _named(_OVERVIEW, None, "process_name", {"name": "Core 0 Overview"})
    for pid, qnn_id in qnn_ids.items():
        name = f"QNN::{analysis.schematic.node(qnn_id).name}"
        yield _named(pid, None, "process_name", {"name": name, "opid": _id(qnn_id)})
    for pid in (_OVERVIEW, *qnn_ids):
        yield _named(pid, None, "process_sort_index", {"sort_index": qnn_ids.get(pid, _FIRST)})
        yield _named(pid, None, "process_labels", {"labels": label})
    threads = _threads(analysis)
    for tid, kind in threads[_OVERVIEW].items():
        yield _named(_OVERVIEW, tid, "thread_name", {"name": f"Type: {kind}"})
    for qnn_id, pid in pids.items():
        for tid in threads[qnn_id]:
            kind = threads[_OVERVIEW][tid]
            yield _named(pid, tid, "thread_name", {"name": f"Core:0 Type: {kind} Tid: {tid}"})


def _threads(analysis: Analysis) -> dict[int, dict[int, str]]:
    """Return thread numbers by OpId; under 0, which no node has, are the core's with the unit that works on each."""
    core: dict[int, str] = {}
    by_node: dict[int, dict[int, str]] = defaultdict(dict)
    for event in analysis.events:
        by_node[event.qnn_id].setdefault(event.tid, "")
        if event.unit.works or event.tid not in core:
            core[event.tid] = event.unit.value
    return {**by_node, _OVERVIEW: dict(sorted(core.items()))}


def _named(pid: int, tid: int | None, what: str, args: Mapping[str, str | int]) -> str:
    thread = "" if tid is None else f'"tid": {tid}, '
    return (
        f'{{"cat": "__metadata", "pid": {pid}, {thread}"ph": "M", "name": "{what}", "args": {compact(args)}}}'
    )
