"""Every row is read exactly once, whatever dies and however many compactions run at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from qhas.history import Where, append, compact, read_history
from qhas.history.files import Kind, listing, parquet
from qhas.store import Store
from tests.qhas.nights import on_phone, run_of, simulated

LATER = datetime(2026, 6, 1, tzinfo=UTC)
NIGHTS = range(0, 40, 3)
"""Eleven nights in March, three in April."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The history of two cells over these nights, keyed by their keys in the store."""
    store = Store(str(tmp_path_factory.mktemp("nights")))
    for night in NIGHTS:
        append(store, run_of(night), [on_phone(night, 1000.0 + night), simulated(night)])
    return {file.key: store.read(file.key) or b"" for kind in Kind for file in listing(store, kind)}


@pytest.fixture
def full(store: Store, written: dict[str, bytes]) -> Store:
    """A store with that history."""
    for key, content in written.items():
        store.write(key, content)
    return store


def medians(store: Store) -> list[float]:
    found = read_history(store, Where(["net"], "sm8750"), ["date", "median_us"])
    return [float(value) for value in found.column("median_us").to_pylist()]


ALL = [1000.0 + night for night in NIGHTS]


def keys(store: Store) -> list[str]:
    return [file.key for file in listing(store, Kind.CELLS)]


class Died(Exception):
    """Raised where the host goes down."""


def test_months_that_are_over_become_one_file_each_of_both_tables(full: Store) -> None:
    ops = len(read_history(full, Where(), kind=Kind.OPS))
    done = compact(full, LATER)
    assert len(done.months) == 4
    assert done.removed == 2 * len(NIGHTS)
    assert sorted(key.rsplit("/", 1)[0] for key in keys(full)) == [
        "history/month=2026-03",
        "history/month=2026-04",
    ]
    assert medians(full) == ALL
    assert len(read_history(full, Where(), kind=Kind.OPS)) == ops


def test_a_second_compaction_finds_nothing_to_do(full: Store) -> None:
    compact(full, LATER)
    again = compact(full, LATER)
    assert (again.months, again.removed) == ((), 0)


def test_a_month_is_left_alone_until_a_week_after_its_end(full: Store) -> None:
    assert compact(full, datetime(2026, 4, 7, tzinfo=UTC)).months == ()
    compact(full, datetime(2026, 4, 8, tzinfo=UTC))
    assert sum("date=" in key for key in keys(full)) == 3


def _deaths() -> Iterator[tuple[str, Callable[[Store, pytest.MonkeyPatch], None]]]:
    def before_writing(store: Store, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(store, "write", _die)

    def before_removing(store: Store, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(store, "remove", _die)

    def amid_removing(store: Store, patch: pytest.MonkeyPatch) -> None:
        remove = store.remove

        def some(found: list[str]) -> None:
            remove(found[: len(found) // 2])
            raise Died

        patch.setattr(store, "remove", some)

    yield from (
        ("before writing", before_writing),
        ("before removing", before_removing),
        ("amid", amid_removing),
    )


def _die(*_: object, **__: object) -> None:
    raise Died


@pytest.mark.parametrize(("_when", "kill"), list(_deaths()))
def test_a_compaction_that_dies_costs_no_row_and_the_next_one_clears_up(
    full: Store,
    monkeypatch: pytest.MonkeyPatch,
    _when: str,
    kill: Callable[[Store, pytest.MonkeyPatch], None],
) -> None:
    with monkeypatch.context() as patch:
        kill(full, patch)
        with pytest.raises(Died):
            compact(full, LATER)
    assert medians(full) == ALL
    compact(full, LATER)
    assert medians(full) == ALL
    assert not any("date=" in key for key in keys(full))


def test_of_two_compactions_with_different_listings_every_row_is_read_once(full: Store) -> None:
    """The second one has seen a run more than the first; both files exist until one of them is removed."""
    parts = {file.key: full.read(file.key) for file in listing(full, Kind.CELLS)}
    compact(full, LATER)
    for key, content in parts.items():  # as if listed before the first one removed them
        full.write(key, content or b"")
    append(full, run_of(3, "late"), [on_phone(3, 7.0)])
    compact(full, LATER)
    assert sorted(medians(full)) == sorted([*ALL, 7.0])
    assert sum("month=2026-03" in key for key in keys(full)) == 1


def test_overlapping_files_of_a_month_count_each_part_once(full: Store) -> None:
    """Neither of two compacted files is complete, as after two deaths that had each seen a part of the month."""
    first = keys(full)[:7]
    held = {key: full.read(key) or b"" for key in keys(full)}
    full.remove([key for key in held if key not in first])
    compact(full, LATER)
    one = {key: full.read(key) or b"" for key in keys(full)}
    full.remove(list(one))
    for key in list(held)[4:]:
        full.write(key, held[key])
    compact(full, LATER)
    for key, content in one.items():
        full.write(key, content)
    assert sum("month=2026-03" in key for key in keys(full)) == 2
    assert medians(full) == ALL
    compact(full, LATER)
    assert medians(full) == ALL
    assert sum("month=2026-03" in key for key in keys(full)) == 1


def test_a_run_resumed_after_its_month_was_compacted_counts_with_its_new_rows(full: Store) -> None:
    compact(full, LATER)
    time.sleep(0.02)
    append(full, run_of(3), [on_phone(3, 42.0)])
    expected = [ALL[0], 42.0, *ALL[2:]]
    assert medians(full) == expected
    compact(full, LATER)
    assert medians(full) == expected
    assert not any("date=" in key for key in keys(full))


def test_readers_see_every_row_once_while_compactions_run(full: Store) -> None:
    with ThreadPoolExecutor(3) as threads:
        compactions = [threads.submit(compact, full, LATER) for _ in range(2)]
        while not all(one.done() for one in compactions):
            assert medians(full) == ALL
        for one in compactions:
            one.result()
    assert medians(full) == ALL


def test_columns_of_newer_versions_survive(store: Store) -> None:
    append(store, run_of(0), [on_phone(0, 1000.0)])
    append(store, run_of(1), [on_phone(1, 1001.0)])
    table = read_history(store, Where()).slice(0, 1).append_column("watts", pa.array([3.5]))
    store.write("history/date=2026-03-01/night-000.parquet", parquet(table))
    compact(store, LATER)
    (file,) = listing(store, Kind.CELLS)
    import io

    import pyarrow.parquet as pq

    stored = pq.read_table(io.BytesIO(store.read(file.key) or b""))
    assert stored.column("watts").to_pylist() == [3.5, None]


def test_a_store_that_tells_no_times_is_not_compacted(full: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    objects = Store.objects
    monkeypatch.setattr(
        Store, "objects", lambda self, prefix: [replace(one, modified=None) for one in objects(self, prefix)]
    )
    assert compact(full, LATER + timedelta(days=1)).months == ()
    assert medians(full) == ALL
