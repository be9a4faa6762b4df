"""Small but complete contents of a profile's files: QHAS documents and chrometraces in the vendor's form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

VERSION = {"major": 1, "minor": 0, "patch": 0}


def core(htp: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a row of `htp_overall_summary`."""
    traffic = {"dram_read": 50_000, "dram_write": 5_000, "vtcm_read": 200_000, "vtcm_write": 100_000}
    unit = {"start_cycle": 0, "end_cycle": 560_000, "timeline_cycles": 560_000}
    return {
        "htp": htp,
        "htp_resources": {
            "data": [
                {"type": "HMX", "tid": 256, "cycles_used": 280_000, "utilization": 50.0, **unit, **traffic},
                {"type": "HVX", "tid": 512, "cycles_used": 140_000, "utilization": 25.0, **unit, **traffic},
            ]
        },
        "percent_idle": 12.5,
        "percent_utilization": 87.5,
        "time_us": 410,
        "graph_execute_us": 400,
        "inf_per_s": 2439.02,
        "timeline_cycles": 560_000,
        "total_dram_read": 100_000,
        "total_dram_write": 10_000,
        "total_dram": 110_000,
        "peak_vtcm_alloc": 4_194_304,
        "total_vtcm_read": 400_000,
        "total_vtcm_write": 200_000,
        "total_vtcm": 600_000,
        "unique_qnn_ops": 3,
        "qnn_nodes": 11,
        "unique_htp_ops": 3,
        "htp_nodes": 40,
    } | changes


def qnn_op(op: str, cycles: int, dominant: int) -> dict[str, Any]:
    """Return a row of `qnn_op_types`."""
    return {
        "op": op,
        "cycles": cycles,
        "percent_active_cycles": cycles / 4200,
        "num_dominant_path_cycles_htp_0": dominant,
        "percent_dominant_path_cycles_htp_0": dominant / 4900,
        "num_htp_ops": 8,
        "dram_read": 1,
        "dram_write": 2,
        "vtcm_read": 3,
        "vtcm_write": 4,
    }


def htp_op(
    op: str, instances: int, *, reference: bool = False, format_change: bool = False
) -> dict[str, Any]:
    """Return a row of `htp_op_types`."""
    return {
        "op": op,
        "cycles": 1000 * instances,
        "percent_active_cycles": 1.0,
        "num_dominant_path_cycles_htp_0": 500,
        "percent_dominant_path_cycles_htp_0": 0.5,
        "instances": instances,
        "dram_read": 0,
        "dram_write": 0,
        "vtcm_read": 0,
        "vtcm_write": 0,
        "format_change": format_change,
        "reference_op": reference,
    }


def qhas(**sections: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a QHAS document in the vendor's form; the sections given replace those of the sample."""
    rows = {
        "htp_overall_summary": [core()],
        "qnn_op_types": [
            qnn_op("Conv2d", 300_000, 200_000),
            qnn_op("ElementWiseAdd", 90_000, 240_000),
            qnn_op("Softmax", 30_000, 50_000),
        ],
        "qnn_op_instances_nodes": [
            {"qnn_op": "conv1", "qnn_op_type": "Conv2d", **qnn_op("conv1", 300_000, 200_000)}
        ],
        "htp_op_types": [
            htp_op("q::ConvLayer_s1.opt", 20),
            htp_op("q::Add.tcm", 12, format_change=True),
            htp_op("q::Softmax.ref", 8, reference=True),
        ],
        "htp_op_instances": [],
        "dominant_path_htp_0": [],
    } | sections
    return {
        "header": {"header_version": VERSION, "version": VERSION, "artifact_type": "QHAS"},
        "model_id": "net",
        "data": {name: {"data": data} for name, data in rows.items()},
    }


def op_event(name: str = "q::ConvLayer_s1.opt", *, ts: int = 0, dur: int = 100, pid: int = 0) -> str:
    """Return an executed op of a chrometrace, as the vendor writes it."""
    args = {"ID": "0x0000120a00000032", "HTP Op Type": name, "Start Cycle": ts, "Duration (cycles)": dur}
    event = {"name": name, "ph": "X", "tid": 256, "pid": pid, "ts": ts, "dur": dur, "args": args}
    return json.dumps(event)


def constant_event() -> str:
    """Return a tensor that was not executed; the vendor's files put it on thread 1 of the overview."""
    return json.dumps({"name": "Const", "ph": "X", "tid": 1, "pid": 0, "ts": 0, "dur": 1, "args": {}})


def counter_event() -> str:
    """Return a sample of a memory counter."""
    return json.dumps({"name": "DRAM read", "ph": "C", "pid": 0, "ts": 5, "args": {"": 4096}})


def flow_events() -> list[str]:
    """Return the two ends of an arrow from producer to consumer."""
    common = {"cat": "input_output", "name": "InputOutputFlowEvents", "id": 1, "pid": 0, "tid": 256}
    return [
        json.dumps({**common, "ph": "s", "ts": 10}),
        json.dumps({**common, "ph": "f", "pb": "e", "ts": 20}),
    ]


def metadata_event() -> str:
    """Return the name of a thread; metadata comes last."""
    args = {"name": "Core:0 Type: HMX Tid: 256"}
    return json.dumps(
        {"cat": "__metadata", "pid": 0, "tid": 256, "ph": "M", "name": "thread_name", "args": args}
    )


EVENTS = (
    op_event(ts=0, dur=100),
    op_event(ts=0, dur=100, pid=1),
    op_event("q::Add.tcm", ts=100, dur=50),
    op_event("q::Add.tcm", ts=100, dur=50, pid=2),
    constant_event(),
    counter_event(),
    *flow_events(),
    metadata_event(),
)


def chrometrace(events: Iterable[str] = EVENTS, *, behind: str = "") -> str:
    """Return a chrometrace: the header, one event per line, and `behind` after the array."""
    header = {"header_version": VERSION, "version": VERSION, "artifact_type": "OP_TRACE"}
    lines = ",\n".join(events)
    return f'{{"header": {json.dumps(header)},\n"traceEvents": [\n{lines}\n]{behind}}}\n'
