"""What pages need besides the records, read from the store."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff
from qhas.explain.model import Explanation
from qhas.failures import InvalidInput
from qhas.network.network import stored_network
from qhas.outside_bytes import unpack
from qhas.profile.notes import of_one_graph
from qhas.profile.picture import Timeline, read_timeline
from qhas.profile.qhas_file import QhasFile, QhasInvalid, parse_qhas
from qhas.profile.trace import TraceInvalid
from qhas.report.network_picture import NetworkPicture, picture_of
from qhas.report.ops import OpTables, op_tables
from qhas.runs import keys
from qhas.runs.baseline import last_before
from qhas.runs.networks import network_bytes, own_part
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.runs.stored import stored_cells
from qhas.source.source_map import SourceMap, parse_sources
from qhas.store import ObjectMissing, Store

_LARGEST_TRACE = 64_000_000
"""Compressed size in bytes up to which a report draws a trace that was stored before pictures were."""
_LARGEST_TIMELINE = 64 << 20
"""The most bytes of a picture, unpacked: it is made to be drawn by a browser."""
_LARGEST_EXPLANATION = 64 << 20
"""The most bytes of the rows of a network's dominant path, unpacked."""


@dataclass(frozen=True)
class Baseline:
    """The run that a report compares with, and its records by cell key."""

    run_id: str
    records: Mapping[str, CellRecord]


@dataclass(frozen=True)
class Compared:
    """A record, and the stored bytes of the files that a comparison reads; None for a missing file."""

    record: CellRecord
    qhas: bytes | None = None
    network: bytes | None = None
    sources: bytes | None = None


@dataclass(frozen=True)
class CellContents:
    """A cell, what it is compared with, and the bytes of the other files its page shows; None for a missing one."""

    cell: Compared
    before: Compared | None = None
    timeline: bytes | None = None
    drawn: Timeline | None = None
    """The picture, if it had to be made from the trace."""
    explanation: bytes | None = None


@dataclass(frozen=True)
class CellFiles:
    """The contents of a cell's files; None for a file that is missing or cannot be read."""

    ops: OpTables | None = None
    timeline: Timeline | None = None
    diff: CellDiff | None = None
    explanation: Explanation | None = None
    network: NetworkPicture | None = None
    strange: str = ""
    """A sentence if trace and QHAS are of different graphs; else empty."""


def read_baseline(store: Store, run: SweepRecord, cells: list[CellRecord]) -> Baseline | None:
    """Return the last finished run of the same sweep before this one, if there is one. Raises StoreError."""
    run_id = last_before(store, run)
    if run_id is None:
        return None
    stored = stored_cells(store, run_id, [record.cell for record in cells])
    return Baseline(run_id, {record.cell.key: record for record in by_graph(stored)})


def read_contents(store: Store, record: CellRecord, baseline: Baseline | None) -> CellContents:
    """Read everything a cell's page shows of its files and of the baseline's. Raises StoreError.

    Waits for the store, and computes nothing but pictures of traces that were stored before pictures were.
    """
    cell = _read_side(store, record)
    before = baseline.records.get(record.cell.key) if baseline else None
    timeline = _read(store, record, "timeline")
    return CellContents(
        cell=cell,
        before=_read_side(store, before, cell) if before else None,
        timeline=timeline,
        drawn=None if timeline else _drawn(store, record),
        explanation=_read(store, record, "explanation"),
    )


def _read_side(store: Store, record: CellRecord, other: Compared | None = None) -> Compared:
    """Read one side of a comparison; a QHAS file that is identical to the other side's is not read again."""
    same = other is not None and _digest(other.record) == _digest(record)
    return Compared(
        record,
        qhas=other.qhas if other and same else _read(store, record, "qhas"),
        network=network_bytes(store, record),
        sources=_read(store, record, "sources"),
    )


def understood(contents: CellContents) -> CellFiles:
    """Parse the bytes. A damaged file costs only its part of the page; what is the same on both sides is parsed once."""
    file_of, network_of, sources_of = cache(_file), cache(stored_network), cache(_sources)

    def evidence(side: Compared) -> Evidence | None:
        file = file_of(side.qhas) if side.record.good and side.qhas else None
        if file is None:
            return None
        return Evidence(
            file, side.record, own_part(network_of(side.network), side.record), sources_of(side.sources)
        )

    after = evidence(contents.cell)
    before = evidence(contents.before) if after and contents.before else None
    timeline = contents.drawn or _timeline(contents.timeline)
    ops = op_tables(after) if after else None
    return CellFiles(
        ops=ops,
        timeline=timeline,
        diff=_diff(before, after) if before and after else None,
        explanation=_explanation(contents.explanation),
        network=picture_of(after.network, ops.every) if after and after.network and ops else None,
        strange=_strange(timeline, after.file) if timeline and after else "",
    )


def _strange(timeline: Timeline, file: QhasFile) -> str:
    if of_one_graph(timeline.end_cycle, file):
        return ""
    return (
        f"The trace ends after {timeline.end_cycle:,} cycles, but the QHAS summary covers {file.longest.timeline_cycles:,}: "
        "they belong to different graphs, so do not read them together."
    )


def _file(content: bytes) -> QhasFile | None:
    try:
        return parse_qhas(content, "QHAS summary")
    except QhasInvalid:
        return None


def _diff(before: Evidence, after: Evidence) -> CellDiff | None:
    """Compare without ops, which no page lists; None if the figures are of different origin."""
    try:
        return compare(before, after, rows=False)
    except InvalidInput:
        return None


def _sources(content: bytes | None) -> SourceMap | None:
    return parse_sources(content) if content else None


def _timeline(content: bytes | None) -> Timeline | None:
    try:
        return Timeline.model_validate_json(unpack(content, _LARGEST_TIMELINE)) if content else None
    except (ValidationError, EOFError, OSError):
        return None


def _explanation(content: bytes | None) -> Explanation | None:
    try:
        return Explanation.model_validate_json(unpack(content, _LARGEST_EXPLANATION)) if content else None
    except (ValidationError, EOFError, OSError):
        return None


def _drawn(store: Store, record: CellRecord) -> Timeline | None:
    trace = record.artifact("chrometrace")
    if trace is None or trace.size > _LARGEST_TRACE:
        return None
    with tempfile.TemporaryDirectory(prefix="qhas-report-") as scratch:
        copy = Path(scratch) / "chrometrace.json.gz"
        try:
            store.fetch(keys.file(record, trace), copy)
            return read_timeline(copy)
        except (ObjectMissing, TraceInvalid):
            return None


def _read(store: Store, record: CellRecord, name: str) -> bytes | None:
    artifact = record.artifact(name)
    return store.read(keys.file(record, artifact)) if artifact else None


def _digest(record: CellRecord) -> str | None:
    artifact = record.artifact("qhas")
    return artifact.sha256 if artifact else None
