"""The QHAS summary's fields, section by section, and the JSON Schema made from them.

The tables are the order and the types `qhas` writes. Bytes, cycles and counts are integers, percentages and rates are
numbers. Additional fields are allowed: the vendor calls QHAS subject to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostsdk.viewer.header import Artifact

_TRAFFIC = {"dram_read": "integer", "dram_write": "integer", "vtcm_read": "integer", "vtcm_write": "integer"}
_SHARES = {
    "cycles": "integer",
    "percent_active_cycles": "number",
    "num_dominant_path_cycles_htp_0": "integer",
    "percent_dominant_path_cycles_htp_0": "number",
}

RESOURCE: Mapping[str, str] = {
    "type": "string",
    "tid": "integer",
    "start_cycle": "integer",
    "end_cycle": "integer",
    "timeline_cycles": "integer",
    "cycles_used": "integer",
    "utilization": "number",
    **_TRAFFIC,
}

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "htp_overall_summary": {
        "htp": "integer",
        "htp_resources": "resources",
        "percent_idle": "number",
        "percent_utilization": "number",
        "time_us": "integer",
        "graph_execute_us": "integer",
        "inf_per_s": "number",
        "timeline_cycles": "integer",
        "total_dram_read": "integer",
        "total_dram_write": "integer",
        "total_dram": "integer",
        "peak_vtcm_alloc": "integer",
        "total_vtcm_read": "integer",
        "total_vtcm_write": "integer",
        "total_vtcm": "integer",
        "unique_qnn_ops": "integer",
        "qnn_nodes": "integer",
        "unique_htp_ops": "integer",
        "htp_nodes": "integer",
    },
    "qnn_op_types": {"op": "string", **_SHARES, "num_htp_ops": "integer", **_TRAFFIC},
    "qnn_op_instances_nodes": {
        "qnn_op": "string",
        "qnn_op_type": "string",
        **_SHARES,
        "num_htp_ops": "integer",
        **_TRAFFIC,
    },
    "htp_op_types": {
        "op": "string",
        **_SHARES,
        "instances": "integer",
        **_TRAFFIC,
        "format_change": "boolean",
        "reference_op": "boolean",
    },
    "htp_op_instances": {
        "htp": "integer",
        "tid": "integer",
        "op_id": "id",
        "htp_op": "string",
        "qnn_op": "string",
        "qnn_op_type": "string",
        "dtype": "string",
        "rank": "integer",
        "step_size": "number",
        "zero_offset": "integer",
        "dims": "integers",
        "input_nodes": "ids",
        "start_cycle": "integer",
        "cycles": "integer",
        "num_dominant_path_cycles": "integer",
        "percent_dominant_path_cycles": "number",
        "cycles_per_packet": "number",
        "fmt_change": "boolean",
        "ref_op": "boolean",
        "hmx": "boolean",
        "hvx": "boolean",
        "dma_wait": "boolean",
        "dma_set": "boolean",
        "dma": "boolean",
        "sync": "boolean",
        **_TRAFFIC,
    },
    "dominant_path_htp_0": {
        "op_id": "id",
        "htp_op": "string",
        "qnn_op": "string",
        "start_cycle": "integer",
        "end_cycle": "integer",
        "partial": "boolean",
        "dp_cycles": "integer",
        "cycles": "integer",
    },
}

_ID = {"type": "string", "pattern": "^0x[0-9a-f]+$"}


def qhas_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the QHAS summary: every field of every section is required and typed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "QNN HTP analysis summary (QHAS)",
        **_object({"header": _header(), "model_id": {"type": "string"}, "data": _data()}),
    }


def _header() -> dict[str, Any]:
    version = _object({part: {"type": "integer", "minimum": 0} for part in ("major", "minor", "patch")})
    return _object(
        {"header_version": version, "version": version, "artifact_type": {"const": Artifact.QHAS.value}}
    )


def _data() -> dict[str, Any]:
    return _object({section: _rows(fields) for section, fields in SECTIONS.items()})


def _rows(fields: Mapping[str, str]) -> dict[str, Any]:
    row = _object({name: _type(kind) for name, kind in fields.items()})
    return _object({"data": {"type": "array", "items": row}})


def _type(kind: str) -> dict[str, Any]:
    match kind:
        case "resources":
            return _rows(RESOURCE)
        case "id":
            return _ID
        case "ids":
            return {"type": "array", "items": _ID}
        case "integers":
            return {"type": "array", "items": {"type": "integer"}}
        case "integer":
            return {"type": "integer", "minimum": 0}
        case _:
            return {"type": kind}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}
