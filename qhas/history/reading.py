"""Reads the history: files by date, row groups by their statistics, columns by name, many files at once.

A file that is damaged, empty or not of the history is left out and reported; for its parts, the next latest version
counts.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from qhas.failures import InvalidInput
from qhas.history.columns import KEY_NAMES, OP_SCHEMA, SCHEMA, VERSION
from qhas.history.damage import Damaged, Listener, judging, log_damage
from qhas.history.files import PART, VERSION_KEY, HistoryFile, Kind, Parts, Share, listing, parts_in, shares
from qhas.runs.record import Origin
from qhas.store import ObjectMissing, Store, StoreError
from qhas.store.given import require_store

_AT_ONCE = 16
_TRIES = 5
MOST_VALUES = 1 << 26
"""The most values in a file: a month of two thousand cells a night, with a row per op type.

The size of a file does not limit them: a million rows of one value compress to 300 kB.
"""
_TAIL = 1 << 19
"""Bytes that hold the footer of any file of the history, and the whole of a small lab's files: one request."""
SCHEMAS = {Kind.CELLS: SCHEMA, Kind.OPS: OP_SCHEMA}
# Columns of a row group are adjacent: one request for them and the bytes between is quicker than several.
_FORMAT = ds.ParquetFileFormat(
    default_fragment_scan_options=ds.ParquetFragmentScanOptions(
        pre_buffer=True, cache_options=pa.CacheOptions(hole_size_limit=1 << 20)
    )
)


@dataclass(frozen=True)
class Where:
    """A selection of rows: those that match everything given."""

    networks: Sequence[str] = ()
    soc: str | None = None
    variant: str | None = None
    sweep: str | None = None
    origin: Origin | None = None
    since: date | None = None
    """The first night."""

    def __post_init__(self) -> None:
        names = [*self.networks, *filter(None, (self.soc, self.variant, self.sweep))]
        if isinstance(self.networks, str) or not all(isinstance(name, str) for name in names):
            raise InvalidInput(
                f"Where selects rows by name, as in Where(['resnet50'], soc='sa8255'); got Where({self.networks!r}, {self.soc!r})."
            )

    def expression(self) -> ds.Expression:
        """Return the selection as an Arrow expression."""
        equal = {"soc": self.soc, "variant": self.variant, "sweep": self.sweep, "origin": self.origin}
        terms = [pc.field(name) == str(value) for name, value in equal.items() if value is not None]
        if self.networks:
            terms.append(pc.field("network").isin(list(self.networks)))
        if self.since:
            terms.append(pc.field("date") >= pa.scalar(self.since))
        return reduce(and_, terms, pc.scalar(True))

    def fits(self, file: HistoryFile) -> bool:
        """Whether a file can hold such rows, as far as its key shows."""
        since = self.since.isoformat() if self.since else ""
        return file.day >= since if file.day else file.month >= since[:7]


def read_history(
    store: Store,
    where: Where,
    columns: Iterable[str] | None = None,
    kind: Kind = Kind.CELLS,
    left_out: Listener = log_damage,
) -> pa.Table:
    """Return the selected rows, oldest first; columns that a file does not have are null.

    `left_out` is called with each file that cannot be read. A concurrent compaction is harmless: the rows of files
    that it removed are read from the files that replaced them. Raises InvalidInput for a column that the history does
    not have, and StoreError.
    """
    require_store(store)
    schema = SCHEMAS[kind]
    names = list(columns) if columns is not None else schema.names
    for name in names:
        if name not in schema.names:
            near = ", ".join(get_close_matches(str(name), schema.names) or schema.names)
            raise InvalidInput(f"The history has no column {name}; choose from {near}.")

    def read(contents: Contents, share: Share) -> pa.Table:
        return _rows(contents, share, schema, names, where.expression())

    tables = consistently(store, kind, where.fits, read, left_out)
    table = pa.concat_tables([pa.schema([schema.field(name) for name in names]).empty_table(), *tables])
    order = [(name, "ascending") for name in ("date", "finished_at") if name in names]
    return table.sort_by(order) if order else table


def consistently(
    store: Store,
    kind: Kind,
    wanted: Callable[[HistoryFile], bool],
    read: Callable[[Contents, Share], pa.Table],
    left_out: Listener = log_damage,
) -> list[pa.Table]:
    """Read every wanted file from one listing; if one is gone by then, start again with a new listing."""
    for _ in range(_TRIES):
        files = [file for file in listing(store, kind) if wanted(file)]
        try:
            return _readable(Contents(store, files), files, read, left_out)
        except ObjectMissing as error:
            gone = error
    raise StoreError(
        f"The history in {store.root} changed {_TRIES} times while it was read; try again."
    ) from gone


def _readable(
    contents: Contents,
    files: list[HistoryFile],
    read: Callable[[Contents, Share], pa.Table],
    left_out: Listener,
) -> list[pa.Table]:
    """Return the tables of the files that can be read.

    Without a damaged file, other files count in its place, so all of them are read again.
    """

    def attempt(share: Share) -> pa.Table | Damaged:
        try:
            return read(contents, share)
        except Damaged as damaged:
            return damaged

    while True:
        try:
            counted = shares(files, lambda file: parts_of(contents, file))
        except Damaged as damaged:
            results: list[pa.Table | Damaged] = [damaged]
        else:
            with ThreadPoolExecutor(_AT_ONCE, "qhas-history") as threads:
                results = list(threads.map(attempt, counted))
        damages = [result.damage for result in results if isinstance(result, Damaged)]
        if not damages:
            return results
        for damage in damages:
            left_out(damage)
        files = [file for file in files if file not in {damage.file for damage in damages}]


class Contents:
    """Bytes of files of the history; files that fit into one request are read together, in advance."""

    def __init__(self, store: Store, files: Iterable[HistoryFile]) -> None:
        self.store = store
        keys = [file.key for file in files if file.found.size <= _TAIL]
        self._whole = dict(zip(keys, store.read_all(keys), strict=True))

    def read(self, key: str, begin: int, end: int) -> bytes:
        """Return a range of a file. Raises ObjectMissing if the file is gone, and StoreError."""
        whole = self._whole.get(key)
        content = self.store.read(key, begin, end) if whole is None else whole[begin:end]
        if content is None:
            raise ObjectMissing(f"{self.store.url(key)} is gone.")
        return content


def parts_of(contents: Contents, file: HistoryFile) -> Parts:
    """Return the parts that a compacted file was built from. Raises Damaged and StoreError."""
    with judging(file):
        return parts_in(_fragment(contents, file).physical_schema.metadata)


def whole(contents: Contents, share: Share, schema: pa.Schema) -> pa.Table:
    """Return all columns of a file's rows, those of the schema in its types, and unknown ones in their own.

    Raises Damaged and StoreError.
    """
    with judging(share.file):
        own = _fragment(contents, share.file).physical_schema
    known = [schema.field(field.name) if field.name in schema.names else field for field in own]
    return _rows(contents, share, pa.schema(known), own.names, pc.scalar(True))


def _rows(
    contents: Contents, share: Share, schema: pa.Schema, names: Sequence[str], where: ds.Expression
) -> pa.Table:
    with judging(share.file):
        fragment = _fragment(contents, share.file)
        if share.without:
            schema = schema if PART in schema.names else schema.append(pa.field(PART, pa.string()))
            where = where & ~pc.field(PART).isin(list(share.without))
        table = fragment.to_table(schema=schema, columns=list(names), filter=where, use_threads=False)
        _require_rows(table)
        return table.replace_schema_metadata(None)


def _require_rows(table: pa.Table) -> None:
    """Raise ValueError or OverflowError for a row without a key, an unknown origin, or a time outside the calendar."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == "origin" and (others := set(pc.unique(column).to_pylist()) - {None, *Origin}):
            raise ValueError(f"{min(others)!r} is not an origin of figures")
        if name in KEY_NAMES and column.null_count:
            raise ValueError(f"a row has no {name}")
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            pc.min_max(column).as_py()


def _fragment(contents: Contents, file: HistoryFile) -> Any:
    """Open the file.

    Raises ValueError if it is not a file of the history, StoreError if it is of a newer version, and what Arrow
    raises.
    """
    if not file.found.size:
        raise ValueError("it is empty")
    fragment = _FORMAT.make_fragment(pa.PythonFile(_StoredFile(contents, file.key, file.found.size), "r"))
    schema = fragment.physical_schema
    version = int((schema.metadata or {}).get(VERSION_KEY, b"1"))
    if version > VERSION:
        raise StoreError(
            f"{contents.store.url(file.key)} uses version {version} of the history format, and this qhas supports up to {VERSION}; "
            "install a newer qhas."
        )
    rows, columns = fragment.metadata.num_rows, fragment.metadata.num_columns
    if rows * columns > MOST_VALUES:
        raise ValueError(f"it has {rows} rows of {columns} columns, more than may be read from one file")
    if absent := [name for name in KEY_NAMES if name not in schema.names]:
        raise ValueError(f"it has no column {absent[0]}")
    return fragment


class _StoredFile(io.RawIOBase):
    """A stored object as a file that is read in ranges; its end, which Arrow reads first, is fetched on opening."""

    def __init__(self, contents: Contents, key: str, size: int) -> None:
        self._contents, self._key, self._size = contents, key, size
        self._at = 0
        self._tail_at = max(0, size - _TAIL)
        self._tail = contents.read(key, self._tail_at, size)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes. Raises StoreError."""
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        begin, self._at = self._at, max(self._at, end)
        if begin >= end:
            return b""
        if begin >= self._tail_at:
            return self._tail[begin - self._tail_at : end - self._tail_at]
        return self._contents.read(self._key, begin, end)
