"""The ops of stored cells, grouped by node or module."""

from __future__ import annotations

from collections.abc import Iterable

from qhas.diff.runs import CellNotComparable, evidence_of
from qhas.report.by_source import BySource, by_source
from qhas.report.ops import network_ops
from qhas.runs.record import CellRecord
from qhas.source.level import Level
from qhas.source.transfers import transfers
from qhas.store import Store

_OF_A_DLC = "it was given as a DLC, or stored before nodes were recorded: run it from its ONNX"


def cells_by_source(
    store: Store, records: Iterable[CellRecord], level: Level, depth: int | None = None
) -> list[tuple[CellRecord, BySource | str]]:
    """Return every cell with its nodes or modules, or with the reason why it has none. Raises StoreError."""
    return [(record, _of_cell(store, record, level, depth)) for record in records]


def _of_cell(store: Store, record: CellRecord, level: Level, depth: int | None) -> BySource | str:
    try:
        evidence = evidence_of(store, record)
    except CellNotComparable as error:
        return str(error)
    if evidence.sources is None:
        return _OF_A_DLC
    ops = network_ops(evidence)
    return by_source(ops, level, depth, transfers(evidence.file, evidence.network), evidence.sources)
