"""Keys of the store and passwords of the stack are in nothing that a run leaves anywhere."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from fakes.sdk import Fault, Rule, Tool, order
from infra.stack.bucket import client_of
from infra.stack.postgresql import Postgresql
from infra.stack.settings import BUCKET
from tests.stack.conftest import Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]


@dataclass(frozen=True)
class Trail:
    """Everything that two runs left, one good and one with every cell failed: by place, then bytes by name."""

    run_id: str
    places: dict[str, dict[str, bytes]]


@pytest.fixture(scope="module")
def trail(running: Running) -> Trail:
    """The trail of a sweep whose cells fail with all that the tools said, and of a good one of the same run."""
    run_id = f"searched-{uuid.uuid4().hex[:8]}"
    parameters = {"spec": running.spec(), "run_id": run_id}
    order(running.sdk, Rule(Tool.NET_RUN, Fault.ERROR_EXIT))
    assert running.api.ended(running.api.start("sweep", parameters))["state_type"] == "FAILED"
    order(running.sdk)
    assert running.api.ended(running.api.start("sweep", parameters))["state_type"] == "COMPLETED"
    missing = running.spec(models=[{"name": "gamma", "dlc": running.network("gamma")}])
    running.api.ended(running.api.start("sweep", {"spec": missing}))
    return Trail(
        run_id,
        {
            "API": dict(of_the_api(running)),
            "database": {"dump": dump(running)},
            "log files": {log.name: log.read_bytes() for log in (running.stack.folder / "logs").iterdir()},
            "bucket": dict(of_the_bucket(running)),
        },
    )


def of_the_api(running: Running) -> Iterator[tuple[str, bytes]]:
    kinds = (
        "flow_runs",
        "task_runs",
        "logs",
        "artifacts",
        "deployments",
        "work_pools",
        "block_documents",
        "variables",
    )
    for kind in kinds:
        found = list(running.api.every(f"/{kind}/filter"))
        yield kind, str(found).encode()
    page = running.api.post("/events/filter", {"limit": 50})
    events = page["events"]
    while page.get("next_page"):
        page = running.api.get(page["next_page"].partition("/api")[2])
        events += page["events"]
    yield "events", str(events).encode()


def dump(running: Running) -> bytes:
    settings = running.settings
    argv = [
        str(Postgresql.find().programs / "pg_dump"),
        "-h",
        "127.0.0.1",
        "-p",
        str(settings.database),
        "-U",
        "prefect",
    ]
    environment = {**os.environ, "PGPASSWORD": settings.database_password}
    return subprocess.run(
        [*argv, "postgres"], env=environment, capture_output=True, check=True, timeout=900
    ).stdout


def of_the_bucket(running: Running) -> Iterator[tuple[str, bytes]]:
    client = client_of(running.settings)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for found in page.get("Contents", []):
            content = client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
            yield found["Key"], gzip.decompress(content) if found["Key"].endswith(".gz") else content


def holding(place: dict[str, bytes], *words: str) -> list[str]:
    return [name for name, content in place.items() if any(word.encode() in content for word in words)]


@pytest.mark.parametrize("place", ["API", "database", "log files", "bucket"])
def test_no_secret_is_left_anywhere(running: Running, trail: Trail, place: str) -> None:
    settings = running.settings
    for secret in (settings.login, settings.secret_key, settings.database_password, settings.redis_password):
        assert holding(trail.places[place], secret, quote(secret, safe="")) == []


@pytest.mark.parametrize("place", ["API", "database", "log files", "bucket"])
def test_what_is_no_secret_is_found_there(trail: Trail, place: str) -> None:
    assert holding(trail.places[place], trail.run_id)


@pytest.mark.parametrize("kind", ["flow_runs", "task_runs", "logs", "artifacts", "events"])
def test_every_kind_of_the_api_was_searched(trail: Trail, kind: str) -> None:
    assert len(trail.places["API"][kind]) > len("[]")


def test_a_part_of_the_stack_knows_the_secrets_it_needs_and_no_others(running: Running) -> None:
    settings = running.settings
    secrets = {
        "login": settings.login,
        "database": settings.database_password,
        "storage": settings.secret_key,
        "redis": settings.redis_password,
    }
    known = {}
    for name, pid in running.stack.status().items():
        content = Path(f"/proc/{pid}/environ").read_bytes()
        known[name] = {what for what, secret in secrets.items() if secret.encode() in content}
    servers = {"login", "database", "redis"} if settings.redis else {"login", "database"}
    assert known.pop("server") == servers
    assert known.pop("services", servers) == servers
    assert known.pop("s3") == known.pop("reports") == {"storage"}
    workers = {name: known.pop(name) for name in list(known) if name.startswith("worker-")}
    assert set().union(*known.values()) == set()
    assert workers
    assert all(what == {"login", "storage"} for what in workers.values())


def test_files_with_secrets_are_for_their_owner_only(running: Running) -> None:
    secrets = [running.settings.secret_key.encode(), running.settings.login.encode()]
    for folder, _, names in os.walk(running.stack.folder):
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):  # flows come and go
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode) and facts.st_size < 1 << 20 and facts.st_mode & 0o077:
                    content = path.read_bytes()
                    assert not any(secret in content for secret in secrets), path
