"""Compaction of past months into one file each: a thousand nights are a thousand requests, three years are 36 files.

The new file is written first, atomically; then the files it makes superfluous are removed. Leftovers of an
interruption are harmless to readers (`qhas.history.files`), and the next compaction removes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import pyarrow as pa

from qhas.history.damage import Damaged, log_damage
from qhas.history.files import LONG_AGO, PART, HistoryFile, Kind, Parts, Share, listing, parquet, shares
from qhas.history.reading import SCHEMAS, Contents, parts_of, whole
from qhas.machine.digest import data_digest
from qhas.runs import keys
from qhas.store import ObjectMissing, Store

T = TypeVar("T")

SETTLED = timedelta(days=7)
"""How long a month is left alone after its end: runs may be resumed."""


@dataclass(frozen=True)
class Compaction:
    """The months that were rewritten, and the number of files that were removed."""

    months: tuple[str, ...]
    removed: int


def compact(store: Store, now: datetime) -> Compaction:
    """Compact the past months of both tables. Raises StoreError.

    Files that a concurrent compaction removes are left to it. In a store that does not report when objects were
    written, nothing is compacted: a part that is written again could not be distinguished from its old version.
    """
    written: list[str] = []
    removed = 0
    for kind in Kind:
        for month, files in _over(store, kind, now).items():
            with suppress(ObjectMissing):
                if _write(store, kind, month, files):
                    written.append(keys.history_month(kind, month))
        with suppress(ObjectMissing):
            removed += _clear(store, _over(store, kind, now))
    return Compaction(tuple(written), removed)


def _over(store: Store, kind: Kind, now: datetime) -> dict[str, list[HistoryFile]]:
    """Return the current files of each past month in which all files have a time of change."""
    months: dict[str, list[HistoryFile]] = defaultdict(list)
    for file in listing(store, kind):
        if _settled(file.month, now):
            months[file.month].append(file)
    return {month: files for month, files in months.items() if all(file.found.modified for file in files)}


def _settled(month: str, now: datetime) -> bool:
    return month < f"{now - SETTLED:%Y-%m}"


def _write(store: Store, kind: Kind, month: str, files: list[HistoryFile]) -> bool:
    """Write those rows of a month that count into one file; return whether that was needed."""
    contents = Contents(store, files if len(files) > 1 else [])

    def rows(share: Share) -> pa.Table:
        return _labelled(whole(contents, share, SCHEMAS[kind]), share.file)

    wanted, _ = _sound(contents, files, rows)
    if not wanted or (len(wanted) == 1 and next(iter(wanted)).file.compacted):
        return False
    parts: dict[str, tuple[int, datetime]] = {}
    for share in wanted:
        parts |= _parts(contents, share)
    name = data_digest([[key, size, str(changed)] for key, (size, changed) in sorted(parts.items())])
    content = parquet(_joined(wanted.values()), parts)
    store.write(f"{keys.history_month(kind, month)}/{name}.parquet", content)
    return True


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    """Concatenate the rows; columns that this version does not know, and whose types differ, become text."""
    kinds: dict[str, set[pa.DataType]] = defaultdict(set)
    for table in tables:
        for field in table.schema:
            kinds[field.name].add(field.type)
    drifted = {name for name, types in kinds.items() if len(types) > 1}
    return pa.concat_tables([_as_text(table, drifted) for table in tables], promote_options="default")


def _as_text(table: pa.Table, names: Collection[str]) -> pa.Table:
    for index, field in enumerate(table.schema):
        if field.name in names:
            values = [None if value is None else str(value) for value in table.column(index).to_pylist()]
            table = table.set_column(index, field.name, pa.array(values, pa.string()))
    return table


def _clear(store: Store, months: Mapping[str, list[HistoryFile]]) -> int:
    """Remove the files of which nothing counts, except damaged ones; return how many were removed."""
    superfluous: list[str] = []
    for files in months.values():
        contents = Contents(store, [file for file in files if file.compacted] if len(files) > 1 else [])

        def check(share: Share, contents: Contents = contents) -> None:
            if not share.file.compacted:  # damaged, it must not stand in for an older version
                whole(contents, share, pa.schema([]))

        needed, damaged = (
            _sound(contents, files, check) if len(files) > 1 else ({Share(files[0]): None}, set())
        )
        kept = damaged | {share.file for share in needed}
        superfluous += [file.key for file in files if file not in kept]
    store.remove(superfluous)
    return len(superfluous)


def _sound(
    contents: Contents, files: Iterable[HistoryFile], read: Callable[[Share], T]
) -> tuple[dict[Share, T], set[HistoryFile]]:
    """Return what `read` returns for each share that counts, and the damaged files, which do not count."""
    sound, damaged = list(files), set[HistoryFile]()
    while True:
        try:
            counting = shares(sound, lambda file: parts_of(contents, file))
            return {share: read(share) for share in counting}, damaged
        except Damaged as error:
            log_damage(error.damage)
            damaged.add(error.damage.file)
            sound.remove(error.damage.file)


def _parts(contents: Contents, share: Share) -> Parts:
    file = share.file
    if file.compacted:
        return {key: of for key, of in parts_of(contents, file).items() if key not in share.without}
    return {file.key: (file.found.size, file.found.modified or LONG_AGO)}


def _labelled(table: pa.Table, file: HistoryFile) -> pa.Table:
    """Label the rows with the part they come from."""
    if file.compacted:
        return table
    return table.append_column(pa.field(PART, pa.string()), pa.array([file.key] * len(table), pa.string()))
