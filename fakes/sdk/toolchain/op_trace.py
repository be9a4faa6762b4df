"""The chrometrace: one event per line, header first, metadata last, every op under the core and under its node."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .container import PRODUCER
from .timeline import HMX_THREAD, Op, Timeline

_COUNTERS = {
    "VTCM read": "vtcm_read",
    "VTCM write": "vtcm_write",
    "DRAM read": "dram_read",
    "DRAM write": "dram_write",
}
_NOT_EXECUTED_THREAD = 1


def header(artifact_type: str, minor: int) -> dict[str, Any]:
    """Return the first object of every file of the viewer; `producer` is the fake's own mark."""
    return {
        "header_version": {"major": 1, "minor": 0, "patch": 0},
        "version": {"major": 1, "minor": minor, "patch": 0},
        "artifact_type": artifact_type,
        "producer": PRODUCER,
    }


def ident(number: int) -> str:
    """Format an op's ID as the chrometrace does: sixteen hex digits."""
    return f"0x{number:016x}"


def write(artifact_type: str, events: Iterable[Mapping[str, Any]]) -> str:
    """Return a trace file with one event per line."""
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{\n"header": {json.dumps(header(artifact_type, 1))},\n"traceEvents": [\n{lines}\n]}}\n'


def chrometrace(timeline: Timeline, features: Mapping[str, bool]) -> str:
    """Return the op trace; `ts` and `dur` are in cycles."""
    return write("OP_TRACE", _events(timeline, features))


def _events(timeline: Timeline, features: Mapping[str, bool]) -> Iterator[dict[str, Any]]:
    processes = {"Core 0 Overview": 0}
    for op in timeline.ops:
        processes.setdefault(f"QNN::{op.node}", len(processes))
    for op in timeline.ops:
        event = _op_event(timeline, op, features)
        yield event
        yield {**event, "pid": processes[f"QNN::{op.node}"]}
    yield _constant_event()
    if features["memory_info"]:
        yield from _counter_events(timeline)
    if features["enable_input_output_flow_events"]:
        yield from _flow_events(_data_flow(timeline.ops), "input_output", "InputOutputFlowEvents")
    if features["enable_sequencer_flow_events"]:
        yield from _flow_events(_thread_order(timeline.ops), "sequencer", "SequencerFlowEvents")
    yield from _metadata(timeline, processes)


def _op_event(timeline: Timeline, op: Op, features: Mapping[str, bool]) -> dict[str, Any]:
    args: dict[str, Any] = {"ID": ident(op.ident), "HTP Op Type": op.name}
    if features["traceback"]:
        args["Description"] = f"{op.node_type} {op.node}"
    args |= {
        "Dims": list(op.dims),
        "Data Type": "QUInt8",
        "Rank": len(op.dims),
        "Step Size": 0.0125,
        "Zero Offset": 128,
        **({"Inputs Ops": [ident(number) for number in op.inputs]} if op.inputs else {}),
        "Flags": [op.unit.value],
        "Cycles per Packet": op.cycles_per_packet,
        "QNN Op Type": op.node_type,
        "QNN Op Name": op.node,
        "Start Cycle": timeline.origin + op.start,
        "Duration (cycles)": op.cycles,
        "Dominant Path Cycles": timeline.dominant(op),
    }
    return {
        "name": op.name,
        "ph": "X",
        "tid": op.thread,
        "pid": 0,
        "ts": op.start,
        "dur": op.cycles,
        "args": args,
    }


def _constant_event() -> dict[str, Any]:
    args = {
        "ID": ident(1),
        "HTP Op Type": "Const",
        "Dims": [1, 1, 1, 16],
        "Data Type": "QUInt8",
        "Rank": 4,
        "Step Size": 0.0125,
        "Zero Offset": 128,
    }
    return {
        "name": "Const",
        "ph": "X",
        "tid": _NOT_EXECUTED_THREAD,
        "pid": 0,
        "ts": 0,
        "dur": 1,
        "args": args,
    }


def _counter_events(timeline: Timeline) -> Iterator[dict[str, Any]]:
    """Yield levels, like the vendor's: what all running ops move, at each start and end of one of them."""
    moving = [op for op in timeline.ops if any(getattr(op, field) for field in _COUNTERS.values())]
    for cycle in sorted({op.start for op in moving} | {op.end for op in moving}):
        running = [op for op in moving if op.start <= cycle < op.end]
        for name, field in _COUNTERS.items():
            level = sum(getattr(op, field) for op in running)
            yield {"name": name, "ph": "C", "tid": 0, "pid": 0, "ts": cycle, "args": {"": level}}


def _data_flow(ops: Iterable[Op]) -> Iterator[tuple[Op, Op]]:
    by_ident = {op.ident: op for op in ops}
    for op in by_ident.values():
        for number in op.inputs:
            yield by_ident[number], op


def _thread_order(ops: Iterable[Op]) -> Iterator[tuple[Op, Op]]:
    last: dict[int, Op] = {}
    for op in ops:
        if op.thread in last:
            yield last[op.thread], op
        last[op.thread] = op


def _flow_events(pairs: Iterable[tuple[Op, Op]], category: str, name: str) -> Iterator[dict[str, Any]]:
    for number, (source, sink) in enumerate(pairs):
        common = {"cat": category, "name": name}
        yield {**common, "tid": source.thread, "pid": 0, "ts": source.start, "ph": "s", "id": number}
        yield {**common, "tid": sink.thread, "pid": 0, "ts": sink.start, "ph": "f", "pb": "e", "id": number}


def _metadata(timeline: Timeline, processes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    def named(what: str, pid: int, args: dict[str, Any], **thread: int) -> dict[str, Any]:
        return {"cat": "__metadata", "pid": pid, **thread, "ph": "M", "name": what, "args": args}

    ids = {processes[f"QNN::{op.node}"]: op.ident & 0xFFFFFFFF for op in timeline.ops}
    for name, pid in processes.items():
        opid = {"opid": ident(ids[pid])} if pid else {}
        yield named("process_name", pid, {"name": name, **opid})
        yield named("process_sort_index", pid, {"sort_index": ids.get(pid, 1)})
    yield named("thread_name", 0, {"name": "Non Executed Tensors"}, tid=_NOT_EXECUTED_THREAD)
    for thread in sorted({op.thread for op in timeline.ops}):
        kind = "HMX" if thread == HMX_THREAD else "HVX"
        yield named("thread_name", 0, {"name": f"Type: {kind}"}, tid=thread)
        for pid in sorted({processes[f"QNN::{op.node}"] for op in timeline.ops if op.thread == thread}):
            yield named("thread_name", pid, {"name": f"Core:0 Type: {kind} Tid: {thread}"}, tid=thread)
