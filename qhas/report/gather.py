"""What pages need beside the records, read from the store."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff
from qhas.diff.runs import CellNotComparable, baseline_of, evidence_of
from qhas.failures import InvalidInput
from qhas.record import CellRecord, SweepRecord
from qhas.report.entries import last_before
from qhas.report.ops import OpTables, op_tables
from qhas.runs import cell_prefix, read_cell
from qhas.store import ObjectMissing, Store
from qhas.timeline import Timeline, read_timeline
from qhas.trace import TraceInvalid

_AT_ONCE = 16
_LARGEST_TRACE = 64_000_000
"""Bytes, packed, up to which the picture of a trace from before there were pictures is made when a report is."""


@dataclass(frozen=True)
class Baseline:
    """The run that a report compares with, and its records by cell key."""

    run_id: str
    records: Mapping[str, CellRecord]


@dataclass(frozen=True)
class CellFiles:
    """What a cell's files say; None for what it does not have, or cannot be read."""

    ops: OpTables | None = None
    timeline: Timeline | None = None
    diff: CellDiff | None = None


def read_baseline(store: Store, run: SweepRecord, cells: list[CellRecord]) -> Baseline | None:
    """The last finished run of the same sweep before this one, if there is one. Raises StoreError."""
    run_id = last_before(store, run) or _looked_up(store, run)
    if run_id is None:
        return None
    with ThreadPoolExecutor(_AT_ONCE, "qhas-baseline") as threads:
        found = threads.map(lambda record: read_cell(store, run_id, record.cell), cells)
        return Baseline(run_id, {record.cell.key: record for record in found if record})


def _looked_up(store: Store, run: SweepRecord) -> str | None:
    """Where no earlier run has a report."""
    try:
        return baseline_of(store, run.run_id)
    except InvalidInput:
        return None


def read_files(store: Store, record: CellRecord, baseline: Baseline | None) -> CellFiles:
    """Everything a cell's page shows of its files, and of the baseline's. Raises StoreError."""
    evidence = _evidence(store, record)
    before = baseline.records.get(record.cell.key) if baseline and evidence else None
    return CellFiles(
        ops=op_tables(evidence.file) if evidence else None,
        timeline=_timeline(store, record),
        diff=_diff(store, before, evidence) if before and evidence else None,
    )


def _evidence(store: Store, record: CellRecord) -> Evidence | None:
    try:
        return evidence_of(store, record)
    except CellNotComparable:
        return None


def _diff(store: Store, before: CellRecord, after: Evidence) -> CellDiff | None:
    """None where the baseline has no figures, or figures of another origin."""
    old = _evidence(store, before)
    try:
        return compare(old, after) if old else None
    except InvalidInput:
        return None


def _timeline(store: Store, record: CellRecord) -> Timeline | None:
    """The picture of the cell's trace: the stored one, else one made of the trace."""
    artifact = record.artifact("timeline")
    if artifact is None:
        return _from_trace(store, record)
    content = store.read(f"{cell_prefix(record.run_id, record.cell)}/{artifact.path}")
    try:
        return Timeline.model_validate_json(gzip.decompress(content)) if content else None
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
