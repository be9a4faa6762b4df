"""The parts of the stack: how each is started, when it is ready, how it ends. Each gets only the secrets it needs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx
import yaml

from infra.prefect_api import PrefectApi
from infra.stack.postgresql import Postgresql
from infra.stack.reports import REPORTS_TOKEN
from infra.stack.settings import Settings, plain_environment, write_private
from qhas.prefect_settings import CLIENT_LOGIN, SERVER, guard

POOL = "lab"
WORKER = "worker-"
"""The prefix of workers' names; a queue follows."""
_PREFECT = (sys.executable, "-m", "prefect")
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Part:
    """A process of the stack. It has `seconds` to become ready, also on a busy machine; its end is noticed at once."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    folder: Path
    port: int | None = None
    """The port at which it listens once it is ready, if it does."""
    ready: Callable[[], bool] = lambda: True
    """What else must hold for it to be ready."""
    seconds: float = 300.0
    account: str | None = None


def database(settings: Settings, installed: Postgresql) -> Part:
    """Return PostgreSQL, in the folder that `Postgresql.create` filled."""
    data = Path(settings.data)
    return Part(
        "postgresql",
        installed.command(data, settings.database),
        plain_environment(),
        data,
        settings.database,
        account=installed.account,
    )


def storage(settings: Settings, root: Path) -> Part:
    """Return moto's S3 server: in memory, for clients that have the stack's key."""
    argv = [sys.executable, "-m", "infra.stack.s3", str(settings.storage)]
    return Part("s3", argv, plain_environment() | settings.store, root, settings.storage)


def reports(settings: Settings, folder: Path, root: Path) -> Part:
    """Return the server of the pages and traces that flow runs link to, for clients that have such a link."""
    argv = [sys.executable, "-m", "infra.stack.reports", str(settings.reports)]
    named = {"QHAS_SITE": str(folder / "site.yaml"), REPORTS_TOKEN: settings.reports_token}
    environment = plain_environment() | settings.store | named
    return Part("reports", argv, environment, root, settings.reports)


def redis_is_usable() -> bool:
    """Whether a Redis server and Prefect's package for it are installed."""
    return bool(shutil.which("redis-server") and find_spec("prefect_redis"))


def redis(settings: Settings, folder: Path) -> Part:
    """Return Redis for Prefect's messages, with a password, nothing on disk."""
    file = redis_file(folder, settings.redis or 0, settings.redis_password)
    argv = ["redis-server", str(file)]
    return Part("redis", argv, plain_environment(), folder, settings.redis)


def redis_file(folder: Path, port: int, password: str) -> Path:
    """Write the settings of a Redis that listens on loopback, with a password, nothing on disk."""
    write_private(
        file := folder / "redis.conf",
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\n"
        f'save ""\nappendonly no\ndir {json.dumps(str(folder))}\n',
    )
    return file


def server(settings: Settings, folder: Path) -> Part:
    """Return Prefect's API and UI; if Redis is used, the background services are a separate part."""
    argv = [*_PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(settings.server)]
    if settings.redis:
        argv.append("--no-services")
    return Part(
        "server",
        argv,
        _server_environment(settings, folder),
        folder,
        settings.server,
        lambda: _answers(f"{settings.api}/health"),
        seconds=600.0,
    )


def services(settings: Settings, folder: Path) -> Part:
    """Return Prefect's scheduler, recorder, triggers and so on, in one process."""
    environment = _server_environment(settings, folder) | {
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false"
    }
    return Part("services", [*_PREFECT, "server", "services", "start"], environment, folder)


def worker(settings: Settings, folder: Path, root: Path, queue: str) -> Part:
    """Return a process worker of one work queue. Its flow runs write to the store and lease simulated devices only."""
    name = f"{WORKER}{queue}"
    argv = [*_PREFECT, "worker", "start", "--pool", POOL, "--work-queue", queue, "--name", name]
    environment = worker_environment(settings, folder) | {
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PYTHONUNBUFFERED": "1",
    }
    return Part(name, argv, environment, root, ready=lambda: name in _workers(settings), seconds=600.0)


def worker_environment(settings: Settings, folder: Path) -> dict[str, str]:
    """Return the environment that a process needs to run flows here: the server, the lab and the store."""
    (scratch := folder / "scratch").mkdir(exist_ok=True)
    return {
        **plain_environment(),
        **settings.store,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": settings.api,
        CLIENT_LOGIN: settings.login,
        "QHAS_SITE": str(folder / "site.yaml"),
        "QHAS_LEASES": str(folder / "leases"),
        "TMPDIR": str(scratch),
    }


def queues(root: Path) -> list[str]:
    """Return the work queues that the deployments of prefect.yaml name."""
    deployments = yaml.safe_load((root / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return sorted({each["work_pool"].get("work_queue_name", "default") for each in deployments})


def _server_environment(settings: Settings, folder: Path) -> dict[str, str]:
    return {
        **plain_environment(),
        **SERVER,
        **guard(settings.login, settings.ui),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": settings.api,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": settings.database_url,
        **(on_redis(settings.redis_url) if settings.redis else {}),
    }


def on_redis(url: str) -> dict[str, str]:
    """Return settings with which Prefect's server and its services communicate through Redis."""
    return {
        "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_REDIS_MESSAGING_URL": url,
        "PREFECT_SERVER_DOCKET_URL": url,
    }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=_ANSWER_SECONDS).is_success
    except httpx.HTTPError:
        return False


def _workers(settings: Settings) -> set[str]:
    """Return the names of the workers that the server has heard of."""
    api = PrefectApi(settings.api, settings.login, _ANSWER_SECONDS)
    try:
        return {worker["name"] for worker in api.ask(f"/work_pools/{POOL}/workers/filter", {})}
    except OSError:
        return set()
