"""A private PostgreSQL server for the bench, in a directory that is deleted with it."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.failure import BenchFailed
from bench.server import listens
from bench.usage import tree_cpu
from infra.stack.postgresql import Address, Postgresql, PostgresqlMissing, as_account
from qhas.machine.free_ports import free_port

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0


class DatabaseMissing(BenchFailed):
    """PostgreSQL cannot be started. The message says why."""


@dataclass(frozen=True)
class Database:
    """A server that accepts connections, its address as Prefect writes it, and its version, such as 15.18."""

    pid: int
    url: str
    version: str

    def cpu(self) -> float:
        """Return the CPU seconds of the server and all its connections since its start."""
        return tree_cpu(self.pid)


@contextmanager
def postgresql() -> Iterator[Database]:
    """Start a server, and stop it when the block ends. Raises DatabaseMissing if it cannot be started."""
    address = Address(free_port(), secrets.token_hex(16))
    folder = Path(tempfile.mkdtemp(prefix="qhas-bench-postgresql-"))
    try:
        try:
            installed = Postgresql.find()
            installed.create(folder, address.password)
        except PostgresqlMissing as reason:
            raise DatabaseMissing(str(reason)) from reason
        process = subprocess.Popen(
            installed.command(folder, address.port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            **as_account(installed.account),
        )
        try:
            _await(process, address.port)
            yield Database(process.pid, address.url, installed.version)
        finally:
            process.send_signal(signal.SIGINT)  # "fast shutdown"
            process.wait(_STOP_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if listens(process, port):
            return
        time.sleep(0.1)
    raise DatabaseMissing("PostgreSQL did not come up")
