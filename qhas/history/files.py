"""Files of the history in the store, one per run, and compacted ones.

A run's file is `history/date=2026-03-01/<run_id>.parquet`; compacted files are in `history/month=2026-03/`.

A run writes its own file, atomically, so that runs never wait for each other and a resumed run replaces its own. A
compacted file lists the parts it was built from, each with its size and the time of its last change. Of each part the
latest version counts, once, wherever it is stored: so it does not matter at which point a compaction died, or whether
there were two.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pyarrow as pa
import pyarrow.parquet as pq

from qhas.history.columns import VERSION, cell_rows, night_of, op_rows
from qhas.history.rerun import Rerun
from qhas.runs import keys
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.store import Found, Store

VERSION_KEY = b"qhas.history"
_PARTS_KEY = b"qhas.parts"
PART = "part"
"""Column of compacted files: the key of the part a row comes from."""
_SORTED = ("network", "soc", "variant", "date", "finished_at")
_FILTERED = ["date", "network", "soc", "variant", "sweep", "origin"]
"""Columns that files are searched by. Only these have statistics: those of all fifty are larger than the figures."""
_ROWS_A_GROUP = 2_000
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Kind(StrEnum):
    """The two tables, by their prefix."""

    CELLS = keys.HISTORY
    """One row per cell."""
    OPS = keys.HISTORY_OPS
    """One row for each of the top ops of a cell."""


@dataclass(frozen=True)
class HistoryFile:
    """A file of the history; `day` is empty for a compacted one."""

    found: Found
    month: str
    day: str

    @property
    def key(self) -> str:
        """The file's key in the store."""
        return self.found.key

    @property
    def compacted(self) -> bool:
        """Whether it holds the parts of a month."""
        return not self.day


@dataclass(frozen=True)
class Share:
    """A file whose rows are to be read, and the parts in it that are to be read from elsewhere."""

    file: HistoryFile
    without: frozenset[str] = frozenset()


Parts = Mapping[str, tuple[int, datetime]]
"""The size and last change of parts, by key."""


def append(
    store: Store, run: SweepRecord, records: Iterable[CellRecord], reruns: Mapping[str, Rerun] | None = None
) -> str:
    """Add a run's cells to the history, replacing the run's earlier rows, and return the key. Raises StoreError."""
    cells = sorted(by_graph(records), key=lambda record: record.cell.key)
    _put(store, _part_key(Kind.OPS, run), parquet(op_rows(run, cells)))
    key = _part_key(Kind.CELLS, run)
    _put(store, key, parquet(cell_rows(run, cells, reruns or {})))
    return key


def _put(store: Store, key: str, content: bytes) -> None:
    store.write(key, content)
    if not store.exists(key):  # a compaction mistook it for the version it had just compacted
        store.write(key, content)


def _part_key(kind: Kind, run: SweepRecord) -> str:
    return keys.history_of_run(kind, night_of(run), run.run_id)


def parquet(table: pa.Table, parts: Parts | None = None) -> bytes:
    """Return the bytes of a file, sorted so that the rows of a network are adjacent."""
    metadata = {VERSION_KEY: str(VERSION).encode()}
    if parts is not None:
        described = {key: [size, changed.isoformat()] for key, (size, changed) in sorted(parts.items())}
        metadata[_PARTS_KEY] = json.dumps(described).encode()
    order = [(name, "ascending") for name in _SORTED]
    sink = io.BytesIO()
    pq.write_table(
        table.sort_by(order).replace_schema_metadata(metadata),
        sink,
        compression="zstd",
        row_group_size=_ROWS_A_GROUP,
        write_statistics=_FILTERED,
    )
    return sink.getvalue()


def parts_in(metadata: Mapping[bytes, bytes] | None) -> Parts:
    """Return the parts that a compacted file says it was built from."""
    parts = json.loads((metadata or {}).get(_PARTS_KEY, b"{}"))
    return {key: (int(size), _with_zone(changed)) for key, (size, changed) in parts.items()}


def _with_zone(moment: str) -> datetime:
    when = datetime.fromisoformat(moment)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def listing(store: Store, kind: Kind) -> list[HistoryFile]:
    """List the files of a table. Keys of other shapes do not belong to the history."""
    places = ((item, keys.parse_history(kind, item.key)) for item in store.objects(kind))
    return [HistoryFile(item, *place) for item, place in places if place]


def shares(files: Iterable[HistoryFile], parts_of: Callable[[HistoryFile], Parts]) -> list[Share]:
    """Decide what to read from which file, so that every part is read once, in its latest version.

    `parts_of` is called only for compacted files of months in which no single file holds everything.
    """
    months: dict[str, list[HistoryFile]] = defaultdict(list)
    for file in files:
        months[file.month].append(file)
    return [share for month in months.values() for share in _of_month(month, parts_of)]


def _of_month(files: list[HistoryFile], parts_of: Callable[[HistoryFile], Parts]) -> list[Share]:
    if len(files) == 1 or not any(file.compacted for file in files):
        return [Share(file) for file in files]
    held = {
        file: parts_of(file) if file.compacted else {file.key: (0, file.found.modified or LONG_AGO)}
        for file in files
    }
    best: dict[str, HistoryFile] = {}
    for file in sorted(files, key=lambda one: (one.compacted, len(held[one]), one.key)):
        for part, (_, changed) in held[file].items():
            if part not in best or changed >= held[best[part]][part][1]:
                best[part] = file
    taken = {file: {part for part, holder in best.items() if holder is file} for file in files}
    return [Share(file, frozenset(held[file]) - taken[file]) for file in files if taken[file]]
