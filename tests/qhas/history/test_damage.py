"""Unreadable files of the history cost only their own rows, and are named."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.history import Where, append, compact, read_history, reading
from qhas.history.damage import DamagedFile
from qhas.history.files import Kind, listing, parquet
from qhas.store import Store
from tests.qhas.nights import day, on_phone, run_of

NAMES = ("date", "network", "origin", "median_us")
LATER = datetime(2026, 6, 1, tzinfo=UTC)
EMPTY = Path(__file__).parents[3] / ".." / "shared" / "inputs" / "history-zero.parquet"


def as_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def a_night(night: int = 0) -> bytes:
    store = Store(f"memory://damage-{night}")
    key = append(store, run_of(night), [on_phone(night, 1000.0)])
    return store.read(key) or b""


GOOD = a_night()
TABLE = pq.read_table(io.BytesIO(GOOD))


def with_column(name: str, values: pa.Array) -> bytes:
    return as_bytes(TABLE.set_column(TABLE.schema.get_field_index(name), name, values))


UNREADABLE = {
    "empty": b"",
    "cut off": GOOD[:-100],
    "its middle gone": GOOD[: len(GOOD) // 2],
    "no Parquet": b"PAR1 this is no Parquet file PAR1",
    "overwritten in the middle": GOOD[:40] + b"\xff" * 200 + GOOD[240:],
    "somebody else's table": as_bytes(pa.table({"x": [1, 2]})),
    "words for a date": with_column("date", pa.array(["yesterday"])),
    "words for a latency": with_column("median_us", pa.array(["fast"])),
    "a latency of parts": with_column("median_us", pa.array([{"value": 1.0}])),
    "nobody's network": with_column("network", pa.array([None], pa.string())),
    "figures of nobody's": with_column("origin", pa.array(["guessed"])),
    "a date that no calendar has": with_column("date", pa.array([2**31 - 1], pa.int32()).cast(pa.date32())),
    "metadata of no sense": as_bytes(TABLE.replace_schema_metadata({b"qhas.history": b"one"})),
}


def test_a_small_file_of_rows_without_end_is_left_out_before_its_rows_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    packed = as_bytes(TABLE.take(pa.array([0] * 5000)))
    store.write(f"history/date={day(2)}/packed.parquet", packed)
    monkeypatch.setattr(reading, "MOST_VALUES", 4999 * TABLE.num_columns)
    damaged: list[DamagedFile] = []
    assert read_history(store, Where(), NAMES, left_out=damaged.append).num_rows == 1
    (left_out,) = damaged
    assert "it has 5000 rows" in str(left_out)


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_left_out_and_named(store: Store, content: bytes) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    store.write(f"history/date={day(2)}/broken.parquet", content)
    damaged: list[DamagedFile] = []
    rows = read_history(store, Where(), NAMES, left_out=damaged.append).to_pylist()
    assert [row["median_us"] for row in rows] == [1001.0]
    assert [file.file.key for file in damaged] == [f"history/date={day(2)}/broken.parquet"]


@pytest.mark.skipif(not EMPTY.exists(), reason="the folder of shared inputs is not there")
def test_the_file_of_no_bytes_that_a_full_disk_left_costs_nothing(store: Store) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    store.write(f"history/date={day(0)}/run.parquet", EMPTY.read_bytes())
    assert len(read_history(store, Where(), NAMES)) == 1


@given(content=st.binary(max_size=400), at=st.integers(0, len(GOOD)))
def test_no_bytes_end_the_reading(content: bytes, at: int) -> None:
    store = Store("memory://damage-any")
    store.write("history/date=2026-03-01/any.parquet", GOOD[:at] + content + GOOD[at + len(content) :])
    assert read_history(store, Where(), NAMES, left_out=lambda _: None).num_rows <= 1


def test_a_damaged_compacted_file_costs_its_month_only(store: Store) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    store.write("history/month=2026-02/broken.parquet", GOOD[:-50])
    store.write("history/month=2026-02/broken-too.parquet", b"")
    damaged: list[DamagedFile] = []
    assert len(read_history(store, Where(), NAMES, left_out=damaged.append)) == 1
    assert len(damaged) == 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("finished_at", pa.array([2**63 - 1]).cast(pa.timestamp("us", tz="UTC"))),
        ("finished_at", pa.array([1 - 2**63]).cast(pa.timestamp("us", tz="UTC"))),
        ("qnn_nodes", pa.array([2**64 - 1], pa.uint64())),
    ],
    ids=["late", "early", "large"],
)
def test_a_value_that_none_of_ours_is_costs_its_file_only(store: Store, name: str, values: pa.Array) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    store.write(f"history/date={day(2)}/odd.parquet", with_column(name, values))
    assert len(read_history(store, Where()).to_pylist()) == 1


@pytest.mark.parametrize(
    "parts",
    [b"[1]", b"{", b'{"a": [1e400, "2026-01-01"]}', b'{"a": [Infinity, "2026-01-01"]}', b"[" * 100_000],
    ids=["a list", "half", "endless", "infinite", "deep"],
)
def test_a_compacted_file_of_parts_that_are_none_costs_its_rows_only(store: Store, parts: bytes) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    broken = f"history/month={day(1):%Y-%m}/broken.parquet"
    store.write(broken, as_bytes(TABLE.replace_schema_metadata({b"qhas.parts": parts})))
    damaged: list[DamagedFile] = []
    assert len(read_history(store, Where(), left_out=damaged.append)) == 1
    assert [file.file.key for file in damaged] == [broken]
    compact(store, LATER)
    assert len(read_history(store, Where())) == 1


@pytest.mark.parametrize("place", ["date=9999-12-31", "date=2026-13-01", "date=2026-02-31", "month=2026-99"])
def test_a_file_of_a_day_that_no_calendar_has_ends_no_compaction(store: Store, place: str) -> None:
    append(store, run_of(1), [on_phone(1, 1001.0)])
    store.write(f"history/{place}/odd.parquet", GOOD)
    assert len(compact(store, LATER).months) == 2  # one for each table


def narrow(table: pa.Table) -> pa.Table:
    index = table.schema.get_field_index("qnn_nodes")
    return table.set_column(index, "qnn_nodes", table.column(index).cast(pa.int32()))


def test_types_that_drifted_are_cast(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    table = narrow(read_history(store, Where()))
    store.write(f"history/date={day(1)}/narrow.parquet", parquet(table))
    together = read_history(store, Where())
    assert len(together) == 2
    assert together.schema.field("qnn_nodes").type == pa.int64()


@pytest.mark.parametrize("drift", [narrow, lambda table: table.append_column("new", pa.array([7]))])
def test_a_month_of_files_that_differ_in_types_becomes_one(
    store: Store, drift: Callable[[pa.Table], pa.Table]
) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    table = read_history(store, Where())
    store.write(f"history/date={day(1)}/drifted.parquet", parquet(drift(table)))
    other = table.append_column("new", pa.array(["seven"]))
    store.write(f"history/date={day(2)}/other.parquet", parquet(other))
    assert compact(store, LATER).months
    assert len(read_history(store, Where())) == 3


def test_compaction_leaves_damaged_files_where_they_are_and_does_the_rest(store: Store) -> None:
    for night in (0, 1):
        append(store, run_of(night), [on_phone(night, 1000.0 + night)])
    store.write(f"history/date={day(2)}/broken.parquet", b"")
    for _ in range(2):
        compact(store, LATER)
    assert store.exists(f"history/date={day(2)}/broken.parquet")
    assert len(listing(store, Kind.CELLS)) == 2  # the compacted month and the damaged file
    assert len(read_history(store, Where(), NAMES)) == 2


def test_an_older_version_counts_where_the_younger_one_is_damaged(store: Store) -> None:
    keys = [append(store, run_of(night), [on_phone(night, 1000.0)]) for night in (0, 1)]
    compact(store, LATER)
    for key in keys:
        store.write(key, b"half a fil")
    for _ in range(2):
        assert len(read_history(store, Where(), NAMES)) == 2
        compact(store, LATER)
