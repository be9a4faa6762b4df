"""The graph of HTP ops (`_htp.json`), in the format that Netron opens."""

from typing import Any

from .op_trace import header
from .timeline import Op, Timeline, Unit

_UINT32, _FLOAT32, _STRING, _UFIXED8 = "306", "562", "1544", 0x0408
_INTERNAL_TENSOR = 3


def htp_graph(timeline: Timeline) -> dict[str, Any]:
    """Return the nodes and tensors, keyed by hex ID."""
    return {
        "header": header("HTP_GRAPH", 0),
        "model.cpp": "htp_graph",
        "graph": {
            "tensors": {hex(op.ident): _tensor(op) for op in timeline.ops},
            "nodes": {hex(op.ident): _node(timeline, op) for op in timeline.ops},
        },
    }


def _tensor(op: Op) -> dict[str, Any]:
    return {"id": op.ident, "type": _INTERNAL_TENSOR, "data_type": _UFIXED8, "dims": list(op.dims)}


def _node(timeline: Timeline, op: Op) -> dict[str, Any]:
    counts = {
        "mem_dram_read": op.dram_read,
        "mem_dram_write": op.dram_write,
        "mem_vtcm_read": op.vtcm_read,
        "mem_vtcm_write": op.vtcm_write,
        "cycles_start": timeline.origin + op.start,
        "cycles_duration": op.cycles,
        "cycles_dominant": timeline.dominant(op),
    }
    return {
        "type": op.name,
        "grouping": op.node,
        "tensor_params": {},
        "scalar_params": {
            "qnn_op_type": {_STRING: op.node_type},
            "qnn_op_name": {_STRING: op.node},
            **{name: {_UINT32: count} for name, count in counts.items()},
            "cycles_per_packet": {_FLOAT32: op.cycles_per_packet},
            "op_flags": {_STRING: op.unit.value if op.unit is not Unit.NONE else ""},
        },
        "input_names": [hex(number) for number in op.inputs],
        "output_names": [hex(op.ident)],
    }
