"""The compiled graph (`<stem>_htp.json`): one node per HTP op with its cycles and bytes; opens in Netron.

Keys and number codes are those of a QNN model description, which is what Netron takes it for: scalar parameters are
`{code of the type: value}`, tensors carry the code of their type. Constants are left out. Ops that never run stay, with
zero cycles, because they connect the ones that do. Every op that ran is a node, so the sums match the QHAS summary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.header import Artifact, header
from hostsdk.viewer.schematic import HtpOp
from hostsdk.viewer.timeline import Event, total

# Qnn_DataType_t, by the compiler's name of the type.
_DATA_TYPES: Mapping[str, int] = {
    "Int8": 0x0008,
    "Int16": 0x0016,
    "Int32": 0x0032,
    "Int64": 0x0064,
    "UInt8": 0x0108,
    "UInt16": 0x0116,
    "UInt32": 0x0132,
    "Float16": 0x0216,
    "Float32": 0x0232,
    "QInt8": 0x0308,
    "QInt16": 0x0316,
    "QInt32": 0x0332,
    "QUInt8": 0x0408,
    "QUInt16": 0x0416,
    "QUInt32": 0x0432,
}
_UNDEFINED = 0x7FFFFFFF
_STRING = str(0x0608)
_UINT64 = str(0x0164)
_NATIVE_TENSOR = 3
_NEVER_RUNS = "null_exec"


def htp_graph(analysis: Analysis) -> dict[str, Any]:
    """Build the whole document."""
    runs: dict[int, list[tuple[Event, int]]] = defaultdict(list)
    for event, dominant in zip(analysis.work, analysis.path.cycles, strict=True):
        runs[event.op_id].append((event, dominant))
    ops = {op_id: op for op_id, op in analysis.schematic.ops.items() if not op.constant or op_id in runs}
    ops |= {op_id: _sequenced(found[0][0]) for op_id, found in runs.items() if op_id not in ops}
    tensors = {
        _tensor_name(op_id, slot): tensor
        for op_id, op in ops.items()
        for slot, tensor in enumerate(op.outputs)
    }
    return {
        "header": header(Artifact.HTP_GRAPH, analysis),
        "model.cpp": "htp_graph",
        "graph": {
            "tensors": {
                name: {
                    "id": number,
                    "type": _NATIVE_TENSOR,
                    "data_type": _DATA_TYPES.get(tensor.dtype, _UNDEFINED),
                    "dims": tensor.dims,
                }
                for number, (name, tensor) in enumerate(tensors.items())
            },
            "nodes": {
                _hex(op_id): _node(analysis, op_id, op, runs.get(op_id, []), tensors)
                for op_id, op in ops.items()
            },
        },
    }


def _sequenced(event: Event) -> HtpOp:
    """Make an op for a spill, a fill or another one that sequencing added: the schematic's graph has none of them."""
    return HtpOp(operation=event.htp_op, inputs=(), outputs=())


def _node(
    analysis: Analysis, op_id: int, op: HtpOp, runs: list[tuple[Event, int]], tensors: Iterable[str]
) -> dict[str, Any]:
    qnn = analysis.schematic.node(op_id & 0xFFFFFFFF)
    moved = total(event.traffic for event, _ in runs)
    flags = sorted({flag.value for event, _ in runs for flag in event.flags}) if runs else [_NEVER_RUNS]
    return {
        "type": op.operation,
        "grouping": qnn.name,
        "tensor_params": {},
        "scalar_params": {
            "qnn_op_type": {_STRING: qnn.type},
            "qnn_op_name": {_STRING: qnn.name},
            "mem_dram_read": {_UINT64: moved.dram_read},
            "mem_dram_write": {_UINT64: moved.dram_write},
            "mem_vtcm_read": {_UINT64: moved.vtcm_read},
            "mem_vtcm_write": {_UINT64: moved.vtcm_write},
            "cycles_start": {_UINT64: min((event.start for event, _ in runs), default=0)},
            "cycles_duration": {_UINT64: sum(event.cycles for event, _ in runs)},
            "cycles_dominant": {_UINT64: sum(dominant for _, dominant in runs)},
            "op_flags": {_STRING: ",".join(flags)},
        },
        "input_names": [
            name for source, slot in op.inputs if (name := _tensor_name(source, slot)) in tensors
        ],
        "output_names": [_tensor_name(op_id, slot) for slot in range(len(op.outputs))],
    }


def _tensor_name(op_id: int, slot: int) -> str:
    return f"{_hex(op_id)}_{slot}" if slot else _hex(op_id)


def _hex(op_id: int) -> str:
    return f"{op_id:#x}"
