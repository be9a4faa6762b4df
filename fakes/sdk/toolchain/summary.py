"""The QHAS summary of a timeline, its schema and its HTML page."""

import json
from collections.abc import Callable, Iterable
from html import escape
from typing import Any

from .op_trace import header
from .profile_log import Inference
from .timeline import FORMAT_CHANGES, HMX_THREAD, Op, Timeline, Unit

Row = dict[str, Any]
_IDLE = "Accumulated Idle"
TRAFFIC = ("dram_read", "dram_write", "vtcm_read", "vtcm_write")


def qhas(graph: str, timeline: Timeline, first: Inference) -> Row:
    """Return the QHAS document. It describes the first inference only, as the vendor's does."""
    sections = {
        "htp_overall_summary": [_overall(timeline, first)],
        "qnn_op_types": _groups(timeline, "op", lambda op: op.node_type, _qnn_counts),
        "qnn_op_instances_nodes": _groups(timeline, "qnn_op", lambda op: op.node, _qnn_instance_counts),
        "htp_op_types": _groups(timeline, "op", lambda op: op.name, _htp_counts),
        "htp_op_instances": sorted((_instance(timeline, op) for op in timeline.ops), key=_falling),
        "dominant_path_htp_0": _dominant_path(timeline),
    }
    data = {name: {"data": rows} for name, rows in sections.items()}
    return {"header": header("QHAS", 0), "model_id": graph, "data": data}


def schema(document: object) -> Row:
    """Return a JSON schema that `document` and documents like it satisfy."""
    if isinstance(document, dict):
        properties = {key: schema(value) for key, value in document.items()}
        return {"type": "object", "properties": properties, "required": list(document)}
    if isinstance(document, list):
        return {"type": "array", "items": schema(document[0])} if document else {"type": "array"}
    names = {bool: "boolean", int: "number", float: "number", str: "string"}
    return {"type": names[type(document)]}


def page(document: Row) -> str:
    """Return a plain HTML rendering."""
    text = escape(json.dumps(document, indent=4))
    return (
        f"<!DOCTYPE html><html><title>QHAS {escape(document['model_id'])}</title><pre>{text}</pre></html>\n"
    )


def _overall(timeline: Timeline, first: Inference) -> Row:
    percent_idle = 100 * timeline.idle / timeline.cycles
    totals = _traffic(timeline.ops)
    return {
        "htp_resources": {"data": _resources(timeline)},
        "htp": 0,
        "percent_idle": percent_idle,
        "percent_utilization": 100 - percent_idle,
        "time_us": first.total_us,
        "graph_execute_us": first.graph_us,
        "inf_per_s": 1e6 / first.total_us,
        "timeline_cycles": timeline.cycles,
        "total_dram_read": totals["dram_read"],
        "total_dram_write": totals["dram_write"],
        "total_dram": totals["dram_read"] + totals["dram_write"],
        "peak_vtcm_alloc": 64 * 1024 * len(timeline.ops),
        "total_vtcm_read": totals["vtcm_read"],
        "total_vtcm_write": totals["vtcm_write"],
        "total_vtcm": totals["vtcm_read"] + totals["vtcm_write"],
        "unique_qnn_ops": len({op.node_type for op in timeline.ops}),
        "qnn_nodes": len({op.node for op in timeline.ops}),
        "unique_htp_ops": len({op.name for op in timeline.ops}),
        "htp_nodes": len(timeline.ops),
    }


def _resources(timeline: Timeline) -> list[Row]:
    rows = []
    for thread in sorted({op.thread for op in timeline.ops}):
        ops = [op for op in timeline.ops if op.thread == thread]
        start, end = ops[0].start, max(op.end for op in ops)
        used = sum(op.cycles for op in ops)
        rows.append(
            {
                "type": (Unit.HMX if thread == HMX_THREAD else Unit.HVX).name,
                "tid": thread,
                "start_cycle": timeline.origin + start,
                "end_cycle": timeline.origin + end,
                "timeline_cycles": end - start,
                "cycles_used": used,
                "utilization": 100 * used / timeline.cycles,
                **_traffic(ops),
            }
        )
    return rows


def _groups(
    timeline: Timeline, label: str, key: Callable[[Op], str], more: Callable[[list[Op]], Row]
) -> list[Row]:
    """Group the ops by `key`, stored under `label`.

    Of the values from `more`, text comes before the cycles, counts after them and booleans last.
    """
    groups: dict[str, list[Op]] = {}
    for op in timeline.ops:
        groups.setdefault(key(op), []).append(op)
    return sorted(
        (
            {
                label: name,
                **_of(more(ops), str),
                **_cycles(timeline, ops),
                **_of(more(ops), int),
                **_traffic(ops),
                **_of(more(ops), bool),
            }
            for name, ops in groups.items()
        ),
        key=_falling,
    )


def _of(row: Row, kind: type) -> Row:
    return {key: value for key, value in row.items() if type(value) is kind}


def _cycles(timeline: Timeline, ops: list[Op]) -> Row:
    cycles, dominant = sum(op.cycles for op in ops), sum(timeline.dominant(op) for op in ops)
    return {
        "cycles": cycles,
        "percent_active_cycles": 100 * cycles / sum(op.cycles for op in timeline.ops),
        "num_dominant_path_cycles_htp_0": dominant,
        "percent_dominant_path_cycles_htp_0": 100 * dominant / (timeline.cycles - timeline.idle),
    }


def _qnn_counts(ops: list[Op]) -> Row:
    return {"num_htp_ops": len(ops)}


def _qnn_instance_counts(ops: list[Op]) -> Row:
    return {"qnn_op_type": ops[0].node_type, "num_htp_ops": len(ops)}


def _htp_counts(ops: list[Op]) -> Row:
    return {"instances": len(ops), "format_change": ops[0].name in FORMAT_CHANGES, "reference_op": False}


def _instance(timeline: Timeline, op: Op) -> Row:
    dominant = timeline.dominant(op)
    return {
        "htp": 0,
        "tid": op.thread,
        "op_id": hex(op.ident),
        "htp_op": op.name,
        "qnn_op": op.node,
        "qnn_op_type": op.node_type,
        "dtype": "QUInt8",
        "rank": len(op.dims),
        "step_size": 0.0125,
        "zero_offset": 128,
        "dims": list(op.dims),
        "input_nodes": [hex(number) for number in op.inputs],
        "start_cycle": timeline.origin + op.start,
        "cycles": op.cycles,
        "num_dominant_path_cycles": dominant,
        "percent_dominant_path_cycles": 100 * dominant / (timeline.cycles - timeline.idle),
        "cycles_per_packet": op.cycles_per_packet,
        "fmt_change": op.name in FORMAT_CHANGES,
        "ref_op": False,
        "hmx": op.unit is Unit.HMX,
        "hvx": op.unit is Unit.HVX,
        "dma_wait": op.unit is Unit.WAIT,
        "dma_set": op.unit is Unit.CHECKPOINT,
        "dma": op.unit is Unit.DMA,
        "sync": op.unit is Unit.SYNC,
        **_traffic([op]),
    }


def _dominant_path(timeline: Timeline) -> list[Row]:
    """Return the stretches in time order, with the idle ones at the end, as in the vendor's files."""
    busy: list[Row] = []
    idle: list[Row] = []
    for stretch in timeline.path:
        op = stretch.op
        row = {
            "op_id": hex(op.ident) if op else "0x0",
            "htp_op": op.name if op else _IDLE,
            "qnn_op": op.node if op else _IDLE,
            "start_cycle": timeline.origin + stretch.start,
            "end_cycle": timeline.origin + stretch.end,
            "partial": op is not None and stretch.end - stretch.start < op.cycles,
            "dp_cycles": stretch.end - stretch.start,
            "cycles": op.cycles if op else stretch.end - stretch.start,
        }
        (busy if op else idle).append(row)
    return busy + idle


def _traffic(ops: Iterable[Op]) -> dict[str, int]:
    ops = list(ops)
    return {name: sum(getattr(op, name) for op in ops) for name in TRAFFIC}


def _falling(row: Row) -> int:
    cycles: int = row["cycles"]
    return -cycles
