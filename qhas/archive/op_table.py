"""Ops of networks as a table, from the QHAS summaries of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from qhas.diff.runs import CellNotComparable, evidence_of
from qhas.report.op_row import OpRow
from qhas.report.ops import network_ops
from qhas.runs.record import CellRecord
from qhas.store import Store

_TEXT, _INT, _REAL = pa.string(), pa.int64(), pa.float64()
_OF_CELL: dict[str, Callable[[CellRecord], str]] = {
    "run_id": lambda record: record.run_id,
    "network": lambda record: record.cell.model.name,
    "soc": lambda record: record.cell.soc,
    "variant": lambda record: record.cell.variant,
    "origin": lambda record: record.origin,
}
_OF_OP: dict[str, tuple[pa.DataType, Callable[[OpRow], Any]]] = {
    "op": (_TEXT, lambda op: op.name),
    "type": (_TEXT, lambda op: op.type),
    "us": (_REAL, lambda op: op.us),
    "dominant_percent": (_REAL, lambda op: op.percent),
    "dominant_cycles": (_INT, lambda op: op.dominant),
    "cycles": (_INT, lambda op: op.cycles),
    "start_cycle": (_INT, lambda op: op.start),
    "htp_ops": (_INT, lambda op: op.htp_ops),
    "dram_bytes": (_INT, lambda op: op.dram),
    "vtcm_bytes": (_INT, lambda op: op.vtcm),
    "shape": (_TEXT, lambda op: op.shape or None),
    "data_type": (_TEXT, lambda op: op.data_type or None),
    "onnx_node": (_TEXT, lambda op: op.node or None),
    "module": (_TEXT, lambda op: op.module),
    "source": (_TEXT, lambda op: op.source or None),
}
OP_COLUMNS: Sequence[str] = (*_OF_CELL, *_OF_OP)
"""Columns of the table of ops.

`us` is the op's part of the dominant path as time; `cycles` is its work, summed over parallel threads; `onnx_node`,
`module` and `source` are those of the ONNX from which the op was made.
"""
_SCHEMA = pa.schema(
    [(name, _TEXT) for name in _OF_CELL] + [(name, kind) for name, (kind, _) in _OF_OP.items()]
)


def op_table(store: Store, records: Iterable[CellRecord]) -> pa.Table:
    """Return a row per op of the network, including the compiler's own inputs and outputs. Raises StoreError.

    Cells without a QHAS summary have no rows.
    """
    return pa.Table.from_pylist([row for record in records for row in _rows(store, record)], _SCHEMA)


def _rows(store: Store, record: CellRecord) -> list[dict[str, Any]]:
    try:
        evidence = evidence_of(store, record)
    except CellNotComparable:
        return []
    cell = {name: str(read(record)) for name, read in _OF_CELL.items()}
    return [cell | {name: read(op) for name, (_, read) in _OF_OP.items()} for op in network_ops(evidence)]
