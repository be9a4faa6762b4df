"""An empty database for a Prefect server.

Prefect's migrations would build the same one step by step from its first release, which takes seconds.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAME = "prefect.db"
"""Prefect's name for it, in its home."""
_TABLES, _MADE_BY = "prefect_database.sql", "-- Prefect "


def make_database(home: Path) -> bool:
    """Create one atomically in a Prefect home that has none; return whether it was created.

    Only the version of Prefect that the tables come from gets them: any other version, and any failure here, is left
    to the migrations.
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
            os.link(new, home / NAME)  # unlike a rename, never replaces one that another process has made
        return True
    return False
