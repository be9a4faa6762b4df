"""The database that Prefect's migrations create; `python -m tests.qhas.prefect_tables` records a new version's."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from qhas import prefect_database

RECORDED = Path(prefect_database.__file__).with_suffix(".sql")
_ABOUT = """\
-- As its migrations leave them on SQLite. Prefect is licensed under the Apache License 2.0.
-- `python -m tests.qhas.prefect_tables` records those of another version.
"""
_MIGRATE = """
import asyncio
from prefect.server.database import provide_database_interface
asyncio.run(provide_database_interface().create_db())
"""


def migrate(home: Path) -> Path:
    """Have Prefect create its database in an empty home, or migrate an existing one to its own version."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    subprocess.run(
        [sys.executable, "-P", "-c", _MIGRATE],
        env=own | {"PREFECT_HOME": str(home), "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL"},
        cwd=home,
        check=True,
        timeout=600,
    )
    return home / prefect_database.NAME


def text_of(database: Path) -> str:
    """The whole database as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        return "\n".join(connection.iterdump())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        made = text_of(migrate(Path(home)))
    RECORDED.write_text(f"-- Prefect {version('prefect')}\n{_ABOUT}{made}\n", encoding="utf-8")
