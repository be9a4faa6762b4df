"""Database and bucket can be restored as docs/operations.md says: every flow run and every object of a sweep."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.resilience.reader import Bucket, Folder, read_run
from infra.stack.bucket import client_of
from infra.stack.postgresql import Postgresql
from infra.stack.settings import BUCKET
from infra.stack.stack import ROOT
from tests.stack.conftest import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]
KEPT = ("flow_run", "task_run", "artifact", "deployment", "automation", "flow_run_state", "work_pool")


@dataclass(frozen=True)
class Database:
    """PostgreSQL's own programs, used on the stack's database."""

    running: Running

    def call(self, program: str, *arguments: str) -> str:
        settings = self.running.settings
        where = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(settings.database),
            "PGUSER": "prefect",
            "PGPASSWORD": settings.database_password,
        }
        argv = [str(Postgresql.find().programs / program), *arguments]
        done = subprocess.run(
            argv, env=os.environ | where, capture_output=True, text=True, timeout=900, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, database: str, run: str) -> dict[str, str]:
        """Return the number of rows of each kind, and the row of a flow run."""
        of_all = {
            kind: self.call("psql", "-At", "-d", database, "-c", f"select count(*) from {kind}")
            for kind in KEPT
        }
        query = f"select id, name, state_type, parameters from flow_run where id = '{run}'"
        return of_all | {"run": self.call("psql", "-At", "-d", database, "-c", query)}


@dataclass(frozen=True)
class Finished:
    """A sweep on the stack that has completed: its run in the store, and its flow run."""

    run_id: str
    flow_run: str


@pytest.fixture(scope="module")
def finished(running: Running) -> Finished:
    run_id = f"kept-{uuid.uuid4().hex[:8]}"
    flow_run = running.api.start("sweep", {"spec": running.spec(), "run_id": run_id})
    assert running.api.ended(flow_run)["state_type"] == "COMPLETED"
    return Finished(run_id, flow_run)


@pytest.fixture
def restored(running: Running) -> Iterator[str]:
    """The name of a database that does not exist yet."""
    yield "restored"
    Database(running).call("dropdb", "--if-exists", "restored")


def test_the_database_comes_back_from_its_dump(
    running: Running, finished: Finished, restored: str, tmp_path: Path
) -> None:
    database, dump = Database(running), str(tmp_path / "prefect.dump")
    database.call("pg_dump", "--format=custom", f"--file={dump}", "postgres")
    database.call("createdb", restored)
    database.call("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={restored}", dump)
    back, now = database.rows(restored, finished.flow_run), database.rows("postgres", finished.flow_run)
    assert finished.flow_run in back["run"]
    assert "COMPLETED" in back["run"]
    assert back["run"] == now["run"]
    assert all(0 < int(back[kind]) <= int(now[kind]) for kind in KEPT)


def test_the_bucket_comes_back_from_its_copy(running: Running, finished: Finished, tmp_path: Path) -> None:
    client, prefix = client_of(running.settings), f"runs/{finished.run_id}"
    for key in [*running.store.keys(prefix), *running.store.keys("prepared")]:
        (target := tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    copy = Folder(tmp_path)
    assert digests(copy, prefix) == digests(running.store, prefix)
    assert read_run(copy, finished.run_id) == read_run(running.store, finished.run_id)

    client.create_bucket(Bucket="restored")
    for key in copy.keys(prefix):
        client.put_object(Bucket="restored", Key=key, Body=copy.read(key))
    assert digests(Bucket(client, "restored"), prefix) == digests(copy, prefix)


def digests(objects: Folder | Bucket, prefix: str) -> dict[str, str]:
    return {key: hashlib.sha256(objects.read(key) or b"").hexdigest() for key in objects.keys(prefix)}


def test_the_documentation_names_the_commands_that_were_tried() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for command in (r"pg_dump --format=custom", r"pg_restore --exit-on-error --no-owner", r"aws s3 sync"):
        assert re.search(command, text), command
