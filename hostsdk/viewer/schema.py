"""The QHAS summary's fields, section by section, and the JSON Schema built from them.

The tables give the order and the types that `qhas` writes. Bytes, cycles and counts are integers, percentages and rates
are numbers. Additional fields are allowed: the vendor calls QHAS subject to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostsdk.viewer.header import Artifact

Schema = Mapping[str, Any]

_COUNT: Schema = {"type": "integer", "minimum": 0}
_INTEGER: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_ID: Schema = {"type": "string", "pattern": "^0x[0-9a-f]+$"}
_VERSION_PARTS = ("major", "minor", "patch")


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _rows(fields: Mapping[str, Schema]) -> Schema:
    return _object({"data": _list(_object(fields))})


_TRAFFIC = dict.fromkeys(("dram_read", "dram_write", "vtcm_read", "vtcm_write"), _COUNT)
_SHARES = {
    "cycles": _COUNT,
    "percent_active_cycles": _NUMBER,
    "num_dominant_path_cycles_htp_0": _COUNT,
    "percent_dominant_path_cycles_htp_0": _NUMBER,
}

RESOURCE: Mapping[str, Schema] = {
    "type": _TEXT,
    "tid": _COUNT,
    "start_cycle": _COUNT,
    "end_cycle": _COUNT,
    "timeline_cycles": _COUNT,
    "cycles_used": _COUNT,
    "utilization": _NUMBER,
    **_TRAFFIC,
}

SECTIONS: Mapping[str, Mapping[str, Schema]] = {
    "htp_overall_summary": {
        "htp_resources": _rows(RESOURCE),
        "htp": _COUNT,
        "percent_idle": _NUMBER,
        "percent_utilization": _NUMBER,
        "time_us": _COUNT,
        "graph_execute_us": _COUNT,
        "inf_per_s": _NUMBER,
        "timeline_cycles": _COUNT,
        "total_dram_read": _COUNT,
        "total_dram_write": _COUNT,
        "total_dram": _COUNT,
        "peak_vtcm_alloc": _COUNT,
        "total_vtcm_read": _COUNT,
        "total_vtcm_write": _COUNT,
        "total_vtcm": _COUNT,
        "unique_qnn_ops": _COUNT,
        "qnn_nodes": _COUNT,
        "unique_htp_ops": _COUNT,
        "htp_nodes": _COUNT,
    },
    "qnn_op_types": {"op": _TEXT, **_SHARES, "num_htp_ops": _COUNT, **_TRAFFIC},
    "qnn_op_instances_nodes": {
        "qnn_op": _TEXT,
        "qnn_op_type": _TEXT,
        **_SHARES,
        "num_htp_ops": _COUNT,
        **_TRAFFIC,
    },
    "htp_op_types": {
        "op": _TEXT,
        **_SHARES,
        "instances": _COUNT,
        **_TRAFFIC,
        "format_change": _FLAG,
        "reference_op": _FLAG,
    },
    "htp_op_instances": {
        "htp": _COUNT,
        "tid": _COUNT,
        "op_id": _ID,
        "htp_op": _TEXT,
        "qnn_op": _TEXT,
        "qnn_op_type": _TEXT,
        "dtype": _TEXT,
        "rank": _COUNT,
        "step_size": _NUMBER,
        "zero_offset": _INTEGER,
        "dims": _list(_INTEGER),
        "input_nodes": _list(_ID),
        "start_cycle": _COUNT,
        "cycles": _COUNT,
        "num_dominant_path_cycles": _COUNT,
        "percent_dominant_path_cycles": _NUMBER,
        "cycles_per_packet": _NUMBER,
        "fmt_change": _FLAG,
        "ref_op": _FLAG,
        "hmx": _FLAG,
        "hvx": _FLAG,
        "dma_wait": _FLAG,
        "dma_set": _FLAG,
        "dma": _FLAG,
        "sync": _FLAG,
        **_TRAFFIC,
    },
    "dominant_path_htp_0": {
        "op_id": _ID,
        "htp_op": _TEXT,
        "qnn_op": _TEXT,
        "start_cycle": _COUNT,
        "end_cycle": _COUNT,
        "partial": _FLAG,
        "dp_cycles": _COUNT,
        "cycles": _COUNT,
    },
}


def qhas_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the QHAS summary: every field of every section is required and typed."""
    version = _object(dict.fromkeys(_VERSION_PARTS, _COUNT))
    header = {"header_version": version, "version": version, "artifact_type": {"const": Artifact.QHAS.value}}
    data = {section: _rows(fields) for section, fields in SECTIONS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "QNN HTP analysis summary (QHAS)",
        **_object({"header": _object(header), "model_id": _TEXT, "data": _object(data)}),
    }
