"""A first server finds the database that its migrations would have created."""

from __future__ import annotations

import sqlite3
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from threading import Barrier, Thread

import pytest

from qhas import prefect_database
from qhas.prefect_database import NAME, make_database
from tests.qhas.prefect_tables import RECORDED, migrate, text_of


def lines(database: Path) -> Counter[str]:
    """The database's lines in no order, as Prefect's migrations write a table's constraints in varying order."""
    return Counter(line.strip().rstrip(",") for line in text_of(database).splitlines())


def test_the_tables_are_those_of_the_prefect_that_is_locked() -> None:
    told = "run `python -m tests.qhas.prefect_tables`"
    assert RECORDED.read_text(encoding="utf-8").startswith(f"-- Prefect {version('prefect')}\n"), told


@pytest.mark.slow
def test_it_is_what_prefects_migrations_make(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    theirs.mkdir()
    assert make_database(ours)
    assert lines(ours / NAME) == lines(migrate(theirs))


@pytest.mark.slow
def test_prefect_has_nothing_to_migrate_in_it(tmp_path: Path) -> None:
    assert make_database(tmp_path)
    before = text_of(tmp_path / NAME)
    assert text_of(migrate(tmp_path)) == before


def test_one_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"of another version")
    assert not make_database(tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"of another version"


def test_another_prefect_makes_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_database, "version", lambda _package: "3.9.0")
    assert not make_database(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_two_at_once_one_makes_it_and_both_have_it_whole(tmp_path: Path) -> None:
    ready, made = Barrier(4), list[bool]()

    def make() -> None:
        ready.wait()
        made.append(make_database(tmp_path))

    threads = [Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert "alembic_version" in text_of(tmp_path / NAME)


@pytest.mark.parametrize("failure", [OSError("full"), sqlite3.OperationalError("disk I/O error")])
def test_where_it_cannot_be_made_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise failure

    monkeypatch.setattr(sqlite3, "connect", refuse)
    assert not make_database(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_nobody_may_write_into_is_left_to_prefect(tmp_path: Path) -> None:
    home = tmp_path / "prefect"
    home.touch()
    assert not make_database(home)
    assert home.is_file()
