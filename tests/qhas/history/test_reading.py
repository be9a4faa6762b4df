"""Reading the history fetches only what is requested, and handles files of other versions."""

from __future__ import annotations

import io
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qhas.history import Where, append, read_history, reading
from qhas.history.files import VERSION_KEY, parquet
from qhas.runs.record import Origin
from qhas.store import Store, StoreError
from tests.qhas.nights import day, on_phone, run_of, simulated

NAMES = ("date", "network", "median_us")


def test_rows_come_oldest_first_and_only_those_that_fit(store: Store) -> None:
    for night in (2, 0, 1):
        append(
            store,
            run_of(night),
            [on_phone(night, 1000.0 + night), on_phone(night, 5.0, "other"), simulated(night)],
        )
    found = read_history(store, Where(["net"], "sm8750"), NAMES).to_pylist()
    assert [row["median_us"] for row in found] == [1000.0, 1001.0, 1002.0]
    assert len(read_history(store, Where(origin=Origin.SIMULATOR))) == 3
    assert len(read_history(store, Where(["net", "other"], since=day(1)))) == 6
    assert len(read_history(store, Where(sweep="weekly"))) == 0


def test_an_empty_store_has_an_empty_history(store: Store) -> None:
    table = read_history(store, Where(), NAMES)
    assert (len(table), table.column_names) == (0, list(NAMES))


def test_nights_before_the_first_one_wanted_are_not_even_opened(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for night in range(4):
        append(store, run_of(night), [on_phone(night, 1000.0)])
    opened: list[str] = []
    read = Store.read

    def noted(self: Store, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
        opened.append(key)
        return read(self, key, begin, end)

    monkeypatch.setattr(Store, "read", noted)
    read_history(store, Where(since=day(3)))
    assert {re.search(r"date=([\d-]+)", key)[1] for key in opened} == {day(3).isoformat()}  # type: ignore[index]


def test_of_a_large_file_only_the_row_groups_and_columns_wanted_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [on_phone(0, 1000.0, f"net{number:04}") for number in range(40)]
    append(store, run_of(0), cells)
    table = read_history(store, Where())
    noise = pa.array(
        [[float(n * 7919 % 65_521) + k for k in range(500)] for n in range(40)], pa.list_(pa.float32())
    )
    table = table.set_column(table.schema.get_field_index("samples_us"), "samples_us", noise)
    big = pa.concat_tables([table] * 150).sort_by("network")
    store.write("history/date=2026-03-01/night-000.parquet", content := parquet(big))
    monkeypatch.setattr(reading, "_TAIL", 1 << 14)
    fetched: list[int] = []
    read = Store.read

    def noted(self: Store, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
        fetched.append((end or 0) - (begin or 0))
        return read(self, key, begin, end)

    monkeypatch.setattr(Store, "read", noted)
    assert len(read_history(store, Where(["net0003"]), NAMES)) == 150
    assert sum(fetched) < len(content) / 2


def test_columns_that_a_file_lacks_are_null_and_those_unknown_are_left_alone(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    old = read_history(store, Where()).drop_columns(["samples_us", "waited_seconds"])
    newer = old.append_column("watts", pa.array([3.5]))
    store.write("history/date=2026-03-01/night-000.parquet", parquet(newer))
    (row,) = read_history(store, Where()).to_pylist()
    assert row["waited_seconds"] is None
    assert row["samples_us"] is None
    assert "watts" not in row


def test_a_file_of_a_newer_version_is_refused_by_name(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    table = read_history(store, Where()).replace_schema_metadata({VERSION_KEY: b"99"})
    pq.write_table(table, sink := io.BytesIO())
    store.write("history/date=2026-03-01/night-000.parquet", sink.getvalue())
    with pytest.raises(StoreError, match=r"night-000\.parquet uses version 99"):
        read_history(store, Where())


def test_other_objects_below_the_history_are_not_of_it(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    store.write("history/date=2026-03-01/notes.txt", b"by hand")
    store.write("history/README.parquet", b"not one")
    assert len(read_history(store, Where())) == 1


def test_a_history_that_never_holds_still_is_an_error_not_a_gap(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])

    def gone(self: Store, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
        return None

    monkeypatch.setattr(Store, "read", gone)
    with pytest.raises(StoreError, match="changed 5 times"):
        read_history(store, Where())
