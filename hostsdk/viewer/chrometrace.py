"""The chrometrace (`<stem>.json`): every event on its thread, in HTP cycles, one event a line.

Every event stands twice, as in the vendor's files: under process 0, the overview of the core, and under one process
per QNN node. Sums must take process 0 only. Then come the counters, the arrows where asked for, and the names of
processes and threads. What a device would say and a simulator cannot:

- "Start Cycle" equals `ts`: both count from the graph's first cycle.
- Thread numbers are the simulator's.
- "Cycles per Packet" is 0: not estimated.
- Bookkeeping of the foreground thread keeps the simulator's names ("default_dma_sync (q::X)") and has no dominant
  path cycles.

A sample of a read or write counter is the bytes moved by the ops that start in that cycle, followed by a 0 where the
last of them ends before the next sample: so the samples of a counter add up to the total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.features import Feature
from hostsdk.viewer.header import Artifact, header, provenance
from hostsdk.viewer.json_text import compact
from hostsdk.viewer.timeline import Event, Traffic, Unit, total

_OVERVIEW = 0
_TRACKS = (
    ("VTCM read", "vtcm_read"),
    ("VTCM write", "vtcm_write"),
    ("DRAM read", "dram_read"),
    ("DRAM write", "dram_write"),
)


def chrometrace(analysis: Analysis, features: frozenset[Feature]) -> Iterator[str]:
    """The text of the file, in pieces."""
    yield f'{{"header": {compact(header(Artifact.OP_TRACE, analysis))},\n"traceEvents": [\n'
    separator = ""
    for line in _lines(analysis, features):
        yield separator + line
        separator = ",\n"
    yield "\n]}\n"


def _lines(analysis: Analysis, features: frozenset[Feature]) -> Iterator[str]:
    pids = _processes(analysis)
    yield from _ops(analysis, pids, Feature.TRACEBACK in features)
    if Feature.MEMORY_INFO in features:
        yield from _counters(analysis)
    if Feature.INPUT_OUTPUT_FLOWS in features:
        yield from _flows(_data_pairs(analysis), "input_output", "InputOutputFlowEvents")
    if Feature.SEQUENCER_FLOWS in features:
        yield from _flows(_sequencer_pairs(analysis), "sequencer", "SequencerFlowEvents")
    yield from _metadata(analysis, pids)


def _processes(analysis: Analysis) -> dict[int, int]:
    """Process number by OpId, in the order in which the nodes begin."""
    pids: dict[int, int] = {}
    for event in sorted(analysis.events, key=lambda event: event.start):
        pids.setdefault(event.qnn_id, len(pids) + 1)
    return pids


def _ops(analysis: Analysis, pids: dict[int, int], traceback: bool) -> Iterator[str]:
    shares = iter(analysis.path.cycles)
    for event in analysis.events:
        dominant = next(shares) if event.unit.works else 0
        name = compact(event.htp_op)
        place = f'"ts": {event.start}, "dur": {event.cycles}'
        args = compact(_args(analysis, event, dominant, traceback))
        for pid in (_OVERVIEW, pids[event.qnn_id]):
            yield f'{{"name": {name}, "ph": "X", "tid": {event.tid}, "pid": {pid}, {place}, "args": {args}}}'


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
        "Cycles per Packet": 0.0,
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


def _counters(analysis: Analysis) -> Iterator[str]:
    starting: dict[int, list[Event]] = defaultdict(list)
    for event in analysis.work:
        starting[event.start].append(event)
    for label, field in _TRACKS:
        for cycle, moved in _samples(starting, Traffic._fields.index(field)):
            yield _counter(label, cycle, moved)
    for cycle, used in analysis.vtcm:
        yield _counter("VTCM alloc", cycle, used)


def _samples(starting: dict[int, list[Event]], column: int) -> Iterator[tuple[int, int]]:
    reached: int | None = None
    for cycle in sorted(starting):
        moving = [event for event in starting[cycle] if event.traffic[column]]
        if not moving:
            continue
        if reached is not None and reached < cycle:
            yield reached, 0
        yield cycle, total(event.traffic for event in moving)[column]
        reached = max(reached or 0, *(event.end for event in moving))
    if reached is not None:
        yield reached, 0


def _counter(label: str, cycle: int, amount: int) -> str:
    return f'{{"name": "{label}", "ph": "C", "pid": {_OVERVIEW}, "ts": {cycle}, "args": {{"": {amount}}}}}'


def _data_pairs(analysis: Analysis) -> Iterator[tuple[Event, Event]]:
    """Producer and consumer, one pair per op and input, each from its first event."""
    first: dict[int, Event] = {}
    for event in analysis.work:
        if event.op_id not in first or event.start < first[event.op_id].start:
            first[event.op_id] = event
    for op_id, sources in analysis.inputs.items():
        for source in sources:
            yield first[source], first[op_id]


def _sequencer_pairs(analysis: Analysis) -> Iterator[tuple[Event, Event]]:
    """The foreground thread's event that starts an op, and the op: they carry the same id, and go in order."""
    started: dict[int, list[Event]] = defaultdict(list)
    for event in analysis.work:
        started[event.op_id].append(event)
    turn: dict[int, int] = defaultdict(int)
    for event in analysis.events:
        if event.unit is Unit.SEQUENCER and turn[event.op_id] < len(started.get(event.op_id, ())):
            yield event, started[event.op_id][turn[event.op_id]]
            turn[event.op_id] += 1


def _flows(pairs: Iterator[tuple[Event, Event]], category: str, name: str) -> Iterator[str]:
    for number, (source, target) in enumerate(pairs, 1):
        leaving = max(source.start, source.end - 1)
        common = f'"cat": "{category}", "name": "{name}", "id": {number}, "pid": {_OVERVIEW}'
        yield f'{{{common}, "tid": {source.tid}, "ph": "s", "ts": {leaving}}}'
        yield f'{{{common}, "tid": {target.tid}, "ph": "f", "pb": "e", "ts": {target.start}}}'


def _metadata(analysis: Analysis, pids: dict[int, int]) -> Iterator[str]:
    origin = provenance(analysis)
    label = f"{origin['origin']} estimate, {origin['soc']}"
    names = {_OVERVIEW: "Core 0 Overview"} | {
        pid: f"QNN::{analysis.schematic.nodes[qnn_id].name}" for qnn_id, pid in pids.items()
    }
    for pid, name in names.items():
        yield _named(pid, None, "process_name", {"name": name})
        yield _named(pid, None, "process_labels", {"labels": label})
    threads = _threads(analysis)
    for tid, kind in threads[_OVERVIEW].items():
        yield _named(_OVERVIEW, tid, "thread_name", {"name": f"Core:0 Type: {kind} Tid: {tid}"})
    for qnn_id, pid in pids.items():
        for tid in threads[qnn_id]:
            kind = threads[_OVERVIEW][tid]
            yield _named(pid, tid, "thread_name", {"name": f"Core:0 Type: {kind} Tid: {tid}"})


def _threads(analysis: Analysis) -> dict[int, dict[int, str]]:
    """Thread numbers with the unit that works on them, by OpId, and of the core under 0, which no node has."""
    core: dict[int, str] = {}
    by_node: dict[int, dict[int, str]] = defaultdict(dict)
    for event in analysis.events:
        by_node[event.qnn_id].setdefault(event.tid, "")
        if event.unit.works or event.tid not in core:
            core[event.tid] = event.unit.value
    return {**by_node, _OVERVIEW: dict(sorted(core.items()))}


def _named(pid: int, tid: int | None, what: str, args: dict[str, str]) -> str:
    thread = "" if tid is None else f'"tid": {tid}, '
    return (
        f'{{"cat": "__metadata", "pid": {pid}, {thread}"ph": "M", "name": "{what}", "args": {compact(args)}}}'
    )
