"""The QHAS summary (`<stem>_qnn_htp_analysis_summary.json`), in the vendor's sections and fields.

Fields that mean something different for a simulated inference than for a device's:

- `time_us` and `graph_execute_us` are the same figure: the simulator estimates the graph execution only, without VTCM
  acquire and power-up.
- `start_cycle` and `end_cycle` count from the graph's first cycle; a simulator has no absolute time.
- `tid` is 256 plus the simulator's thread number; a transfer is a separate resource, of type DMA.
- `cycles_per_packet` is 0: not estimated.
- `ref_op` and `reference_op` state whether the op's name says it is a reference implementation.
- Sections hold work only. `htp_nodes` also counts the bookkeeping ops, as the vendor's does. `dma_wait`, `dma_set` and
  `sync`, which mark bookkeeping, are therefore false in every row.
- An op that ran on several threads has one row per thread in `htp_op_instances` and counts once in `instances`.
- `dominant_path_htp_0` is in time order, idle gaps ("Accumulated Idle") at the end; its `dp_cycles` add up to
  `timeline_cycles`.
"""

from __future__ import annotations

import re
from typing import Any

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.figures import Group, Resource, grouped, percent, resources
from hostsdk.viewer.header import Artifact, header
from hostsdk.viewer.timeline import Event, Flag, Traffic, total

_REFERENCE = re.compile(r"(?:^|[._:])ref(?:erence)?(?:$|[._])", re.IGNORECASE)
_FORMAT_CHANGE = "ForceFormat"
_IDLE = "Accumulated Idle"


def qhas_summary(analysis: Analysis) -> dict[str, Any]:
    """Build the whole document."""
    used = resources(analysis)
    active = sum(resource.used for resource in used)
    types = grouped(analysis, lambda event: analysis.node(event).type)
    nodes = grouped(analysis, lambda event: event.qnn_id)
    htp_types = grouped(analysis, lambda event: event.htp_op)
    sections = {
        "htp_overall_summary": [_overall(analysis, used, len(types), len(nodes), len(htp_types))],
        "qnn_op_types": [
            {
                "op": group.key,
                **_shares(analysis, group, active),
                "num_htp_ops": group.htp_ops,
                **_bytes(group.traffic),
            }
            for group in types
        ],
        "qnn_op_instances_nodes": [
            {
                "qnn_op": analysis.schematic.node(group.key).name,
                "qnn_op_type": analysis.schematic.node(group.key).type,
                **_shares(analysis, group, active),
                "num_htp_ops": group.htp_ops,
                **_bytes(group.traffic),
            }
            for group in nodes
        ],
        "htp_op_types": [
            {
                "op": group.key,
                **_shares(analysis, group, active),
                "instances": group.htp_ops,
                **_bytes(group.traffic),
                "format_change": _FORMAT_CHANGE in group.key,
                "reference_op": is_reference(group.key),
            }
            for group in htp_types
        ],
        "htp_op_instances": _instances(analysis),
        "dominant_path_htp_0": _path(analysis),
    }
    return {
        "header": header(Artifact.QHAS, analysis),
        "model_id": analysis.timeline.graph,
        "data": {section: {"data": rows} for section, rows in sections.items()},
    }


def is_reference(htp_op: str) -> bool:
    """Whether the name of an HTP op says that it is a slow reference implementation."""
    return _REFERENCE.search(htp_op) is not None


def _overall(
    analysis: Analysis, used: list[Resource], qnn_types: int, qnn_nodes: int, htp_types: int
) -> dict[str, Any]:
    busy = percent(analysis.path.busy, analysis.cycles)
    moved = total(resource.traffic for resource in used)
    return {
        "htp_resources": {"data": [_resource(resource, analysis.cycles) for resource in used]},
        "htp": 0,
        "percent_idle": 100.0 - busy,
        "percent_utilization": busy,
        "time_us": analysis.time_us,
        "graph_execute_us": analysis.time_us,
        "inf_per_s": analysis.inferences_per_second,
        "timeline_cycles": analysis.cycles,
        "total_dram_read": moved.dram_read,
        "total_dram_write": moved.dram_write,
        "total_dram": moved.dram_read + moved.dram_write,
        "peak_vtcm_alloc": analysis.peak_vtcm,
        "total_vtcm_read": moved.vtcm_read,
        "total_vtcm_write": moved.vtcm_write,
        "total_vtcm": moved.vtcm_read + moved.vtcm_write,
        "unique_qnn_ops": qnn_types,
        "qnn_nodes": qnn_nodes,
        "unique_htp_ops": htp_types,
        "htp_nodes": len({event.op_id for event in analysis.events}),
    }


def _resource(resource: Resource, timeline_cycles: int) -> dict[str, Any]:
    return {
        "type": resource.unit.value,
        "tid": resource.tid,
        "start_cycle": resource.start,
        "end_cycle": resource.end,
        "timeline_cycles": resource.end - resource.start,
        "cycles_used": resource.used,
        "utilization": percent(resource.used, timeline_cycles),
        **_bytes(resource.traffic),
    }


def _shares(analysis: Analysis, group: Group[Any], active: int) -> dict[str, Any]:
    return {
        "cycles": group.cycles,
        "percent_active_cycles": percent(group.cycles, active),
        "num_dominant_path_cycles_htp_0": group.dominant,
        "percent_dominant_path_cycles_htp_0": percent(group.dominant, analysis.path.busy),
    }


def _bytes(traffic: Traffic) -> dict[str, int]:
    return traffic._asdict()


def _instances(analysis: Analysis) -> list[dict[str, Any]]:
    rows = [
        _instance(analysis, event, dominant)
        for event, dominant in zip(analysis.work, analysis.path.cycles, strict=True)
    ]
    return sorted(rows, key=lambda row: -row["cycles"])


def _instance(analysis: Analysis, event: Event, dominant: int) -> dict[str, Any]:
    tensor = analysis.tensor(event)
    node = analysis.node(event)
    return {
        "htp": 0,
        "tid": event.tid,
        "op_id": f"{event.op_id:#x}",
        "htp_op": event.htp_op,
        "qnn_op": node.name,
        "qnn_op_type": node.type,
        "dtype": tensor.dtype,
        "rank": tensor.rank,
        "step_size": tensor.step_size,
        "zero_offset": tensor.zero_offset,
        "dims": tensor.dims,
        "input_nodes": [f"{source:#x}" for source in analysis.inputs.get(event.op_id, ())],
        "start_cycle": event.start,
        "cycles": event.cycles,
        "num_dominant_path_cycles": dominant,
        "percent_dominant_path_cycles": percent(dominant, analysis.path.busy),
        "cycles_per_packet": 0.0,
        "fmt_change": _FORMAT_CHANGE in event.htp_op,
        "ref_op": is_reference(event.htp_op),
        "hmx": Flag.USES_HMX in event.flags,
        "hvx": Flag.USES_HVX in event.flags,
        "dma_wait": Flag.DMA_WAIT in event.flags,
        "dma_set": Flag.DMA_SET in event.flags,
        "dma": Flag.DMA in event.flags,
        "sync": Flag.SYNC in event.flags,
        **_bytes(event.traffic),
    }


def _path(analysis: Analysis) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for segment in analysis.path.segments:
        event = analysis.work[segment.event]
        share = segment.end - segment.start
        rows.append(
            {
                "op_id": f"{event.op_id:#x}",
                "htp_op": event.htp_op,
                "qnn_op": analysis.node(event).name,
                "start_cycle": segment.start,
                "end_cycle": segment.end,
                "partial": share < event.cycles,
                "dp_cycles": share,
                "cycles": event.cycles,
            }
        )
    for start, end in analysis.path.gaps:
        rows.append(
            {
                "op_id": "0x0",
                "htp_op": _IDLE,
                "qnn_op": _IDLE,
                "start_cycle": start,
                "end_cycle": end,
                "partial": False,
                "dp_cycles": end - start,
                "cycles": end - start,
            }
        )
    return rows
