"""Months that are over become one file each: a thousand nights are a thousand requests, three years are 36 files.

First the new file, whole; then what it makes superfluous goes. Whatever is left in between is no harm to readers
(`qhas.history.files`), and the next compaction clears it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from qhas.digest import data_digest
from qhas.history.files import PART, HistoryFile, Kind, Parts, Share, listing, parquet, shares
from qhas.history.reading import parts_of, whole
from qhas.store import ObjectMissing, Store

SETTLED = timedelta(days=7)
"""After its end a month is left alone for so long: runs are resumed."""


@dataclass(frozen=True)
class Compaction:
    """Months that were written anew, and how many files went."""

    months: tuple[str, ...]
    removed: int


def compact(store: Store, now: datetime) -> Compaction:
    """Compact the months that are over, of both tables. Raises StoreError.

    What another compaction takes away meanwhile is left to it. Of a store that does not tell when objects were
    written nothing is compacted: a part that is written again would not be known from its old version.
    """
    months, removed = [], 0
    for kind in Kind:
        for month in sorted({file.month for file in listing(store, kind)}):
            if not _settled(month, now):
                continue
            try:
                written, gone = _compact_month(store, kind, month)
            except ObjectMissing:
                continue
            months += [f"{kind}/month={month}"] * written
            removed += gone
    return Compaction(tuple(months), removed)


def _settled(month: str, now: datetime) -> bool:
    first = date.fromisoformat(f"{month}-01")
    end = (first + timedelta(days=31)).replace(day=1)
    return now.date() >= end + SETTLED


def _compact_month(store: Store, kind: Kind, month: str) -> tuple[bool, int]:
    """Whether a file was written, and how many went."""
    files = _files(store, kind, month)
    if any(file.found.modified is None for file in files):
        return False, 0
    wanted = _shares(store, files)
    written = len(wanted) > 1 or not wanted[0].file.compacted
    if written:
        parts: dict[str, tuple[int, datetime]] = {}
        for share in wanted:
            parts |= _parts(store, share)
        name = data_digest([[key, size, str(changed)] for key, (size, changed) in sorted(parts.items())])
        tables = [_labelled(whole(store, share), share.file) for share in wanted]
        content = parquet(pa.concat_tables(tables, promote_options="default"), parts)
        store.write(f"{kind}/month={month}/{name}.parquet", content)
        files = _files(store, kind, month)
    needed = {share.file.key for share in _shares(store, files)}
    superfluous = [file.key for file in files if file.key not in needed]
    store.remove(superfluous)
    return written, len(superfluous)


def _files(store: Store, kind: Kind, month: str) -> list[HistoryFile]:
    return [file for file in listing(store, kind) if file.month == month]


def _shares(store: Store, files: list[HistoryFile]) -> list[Share]:
    return shares(files, lambda file: parts_of(store, file))


def _parts(store: Store, share: Share) -> Parts:
    file = share.file
    if file.compacted:
        return {key: of for key, of in parts_of(store, file).items() if key not in share.without}
    assert file.found.modified is not None
    return {file.key: (file.found.size, file.found.modified)}


def _labelled(table: pa.Table, file: HistoryFile) -> pa.Table:
    """Rows with the part they come from."""
    if file.compacted:
        return table
    return table.append_column(pa.field(PART, pa.string()), pa.array([file.key] * len(table), pa.string()))
