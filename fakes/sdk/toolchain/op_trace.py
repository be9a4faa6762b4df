"""The chrometrace: one event a line, the header first, metadata last, every op under the core and under its node."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .container import PRODUCER
from .timeline import HMX_THREAD, Op, Timeline, Unit

_COUNTERS = {
    "VTCM read": "vtcm_read",
    "VTCM write": "vtcm_write",
    "DRAM read": "dram_read",
    "DRAM write": "dram_write",
}
_NOT_EXECUTED_THREAD = 1


def header(artifact_type: str, minor: int) -> dict[str, Any]:
    """The first object of every file of the viewer; `producer` is the fake's own mark."""
    return {
        "header_version": {"major": 1, "minor": 0, "patch": 0},
        "version": {"major": 1, "minor": minor, "patch": 0},
        "artifact_type": artifact_type,
        "producer": PRODUCER,
    }


def ident(number: int) -> str:
    """An op's ID as the chrometrace writes it: sixteen hex digits."""
    return f"0x{number:016x}"


def write(artifact_type: str, events: Iterable[Mapping[str, Any]]) -> str:
    """A trace file with one event a line."""
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{\n"header": {json.dumps(header(artifact_type, 1))},\n"traceEvents": [\n{lines}\n]}}\n'


def chrometrace(timeline: Timeline, features: Mapping[str, bool]) -> str:
    """The op trace; `ts` and `dur` are cycles."""
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
        "Inputs Ops": [ident(number) for number in op.inputs],
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
    args = {"ID": ident(1), "HTP Op Type": "Const", "Data Type": "", "Rank": 0, "Step Size": 0, "Flags": []}
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
    for op in timeline.ops:
        for name, field in _COUNTERS.items():
            if getattr(op, field):
                yield {"name": name, "ph": "C", "pid": 0, "ts": op.start, "args": {"": getattr(op, field)}}
                yield {"name": name, "ph": "C", "pid": 0, "ts": op.end, "args": {"": 0}}


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
    for number, (source, sink) in enumerate(pairs, start=1):
        common = {"cat": category, "name": name, "id": number, "pid": 0}
        yield {**common, "ph": "s", "tid": source.thread, "ts": source.start}
        yield {**common, "ph": "f", "tid": sink.thread, "ts": sink.start, "pb": "e"}


def _metadata(timeline: Timeline, processes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    def named(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
        return {"cat": "__metadata", "pid": pid, "tid": tid, "ph": "M", "name": what, "args": {"name": name}}

    for name, pid in processes.items():
        yield named("process_name", pid, 0, name)
    yield named("thread_name", 0, _NOT_EXECUTED_THREAD, "Non Executed Tensors")
    for thread in sorted({op.thread for op in timeline.ops}):
        unit = Unit.HMX if thread == HMX_THREAD else Unit.HVX
        for pid in sorted({0} | {processes[f"QNN::{op.node}"] for op in timeline.ops if op.thread == thread}):
            yield named("thread_name", pid, thread, f"Core:0 Type: {unit.name} Tid: {thread}")
