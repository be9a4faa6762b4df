"""A private Redis server for the bench, which carries the messages of Prefect's server; no data is kept on disk."""

from __future__ import annotations

import secrets
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
from infra.stack import parts
from qhas.machine.free_ports import free_port

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0


class MessagesMissing(BenchFailed):
    """Redis cannot be started. The message says why."""


@dataclass(frozen=True)
class Messages:
    """A Redis server that accepts connections, and the settings that make Prefect's server use it."""

    pid: int
    settings: dict[str, str]

    def cpu(self) -> float:
        """Return its CPU seconds since its start."""
        return tree_cpu(self.pid)


@contextmanager
def redis() -> Iterator[Messages]:
    """Start a server, and stop it when the block ends. Raises MessagesMissing if it cannot be started."""
    if not parts.redis_is_usable():
        raise MessagesMissing("redis-server or the package prefect-redis is not installed")
    port, password = free_port(), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="qhas-bench-redis-") as folder:
        file = parts.redis_file(Path(folder), port, password)
        process = subprocess.Popen(
            ["redis-server", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
        )
        try:
            _await(process, port)
            yield Messages(process.pid, parts.on_redis(f"redis://:{password}@127.0.0.1:{port}/0"))
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if listens(process, port):
            return
        time.sleep(0.1)
    raise MessagesMissing("Redis did not come up")
