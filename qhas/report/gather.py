"""What pages need of a cell's files, read from the store."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

from pydantic import ValidationError

from qhas.record import CellRecord
from qhas.report.ops import OpTables, read_ops
from qhas.runs import cell_prefix
from qhas.store import ObjectMissing, Store
from qhas.timeline import Timeline, read_timeline
from qhas.trace import TraceInvalid

_LARGEST_TRACE = 64_000_000
"""Bytes, packed, up to which the picture of a trace from before there were pictures is made when a report is."""


def ops_of(store: Store, record: CellRecord) -> OpTables | None:
    """The tables of the cell's QHAS summary, if it has one that can be read. Raises StoreError."""
    content = _read(store, record, "qhas")
    return read_ops(content) if content else None


def timeline_of(store: Store, record: CellRecord) -> Timeline | None:
    """The picture of the cell's trace: the stored one, else one made of the trace. Raises StoreError."""
    content = _read(store, record, "timeline")
    if content is None:
        return _from_trace(store, record)
    try:
        return Timeline.model_validate_json(gzip.decompress(content))
    except (ValidationError, EOFError, OSError):
        return None


def _from_trace(store: Store, record: CellRecord) -> Timeline | None:
    trace = record.artifact("chrometrace")
    if trace is None or trace.size > _LARGEST_TRACE:
        return None
    with tempfile.TemporaryDirectory(prefix="qhas-report-") as scratch:
        copy = Path(scratch) / "chrometrace.json.gz"
        try:
            store.fetch(f"{cell_prefix(record.run_id, record.cell)}/{trace.path}", copy)
            return read_timeline(copy)
        except (ObjectMissing, TraceInvalid):
            return None


def _read(store: Store, record: CellRecord, name: str) -> bytes | None:
    artifact = record.artifact(name)
    return store.read(f"{cell_prefix(record.run_id, record.cell)}/{artifact.path}") if artifact else None
