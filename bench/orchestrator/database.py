"""A PostgreSQL of the bench's own, in a directory that goes with it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from bench.server import free_port
from bench.usage import tree_cpu

_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNT = "postgres"
_START_SECONDS, _STOP_SECONDS = 60.0, 30.0


class DatabaseMissing(BenchFailed):
    """There is no PostgreSQL to start. The message says why."""


@dataclass(frozen=True)
class Database:
    """A server that takes connections, its address as Prefect writes it, and its version, as in 15.18."""

    pid: int
    url: str
    version: str

    def cpu(self) -> float:
        """CPU seconds of the server and of all connections since its start."""
        return tree_cpu(self.pid)


@contextmanager
def postgresql() -> Iterator[Database]:
    """Start a server and end it with the block. Raises DatabaseMissing."""
    programs, account = _programs(), _account()
    folder = Path(tempfile.mkdtemp(prefix="qhas-bench-postgresql-"))
    try:
        if account:
            shutil.chown(folder, _ACCOUNT, _ACCOUNT)
        data, port = folder / "data", free_port()
        _call([str(programs / "initdb"), "-D", str(data), "-U", "prefect", "-A", "trust"], account)
        _, _, version, *_ = _call([str(programs / "postgres"), "--version"], account).split()
        process = subprocess.Popen(
            [
                *(str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder)),
                *("-c", "listen_addresses=127.0.0.1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            **account,
        )
        try:
            _await(process, port)
            yield Database(process.pid, f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres", version)
        finally:
            process.send_signal(signal.SIGINT)  # "fast shutdown"
            process.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise DatabaseMissing("PostgreSQL is not installed: there is no initdb")
    return versions[-1].parent


def _account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        pwd.getpwnam(_ACCOUNT)
    except KeyError as error:
        raise DatabaseMissing(
            f"PostgreSQL does not run as root, and there is no account {_ACCOUNT}"
        ) from error
    return {"user": _ACCOUNT, "group": _ACCOUNT, "extra_groups": []}


def _call(argv: list[str], account: dict[str, Any]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", **account)
    if done.returncode != 0:
        raise DatabaseMissing(f"{Path(argv[0]).name} failed: {done.stderr.strip()}")
    return str(done.stdout).strip()


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise DatabaseMissing("PostgreSQL did not come up")
