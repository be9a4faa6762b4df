"""An empty database for a Prefect server. Its own migrations make the same, step by step from Prefect's first release, which takes seconds."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAME = "prefect.db"
"""What Prefect calls it, in its home."""
_TABLES, _MADE_BY = "prefect_database.sql", "-- Prefect "


def make_database(home: Path) -> bool:
    """Lay one into a home of Prefect's that has none, whole or not at all; whether it did.

    Only the version of Prefect that the tables are from gets them: any other, and whatever goes wrong here, is left to the migrations.
    """
    made_by, _, tables = (resources.files("qhas") / _TABLES).read_text(encoding="utf-8").partition("\n")
    with suppress(OSError, sqlite3.Error, PackageNotFoundError):
        if (home / NAME).exists() or made_by != f"{_MADE_BY}{version('prefect')}":
            return False
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=home) as scratch:
            new = Path(scratch, NAME)
            with closing(sqlite3.connect(new)) as connection:
                connection.executescript(tables)
            os.link(new, home / NAME)  # unlike a rename, never over one that another process has made
        return True
    return False
