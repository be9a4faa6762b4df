"""The bench's own Prefect server, with a database that is removed with the bench."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.failure import BenchFailed
from bench.usage import session_cpu
from infra.prefect_api import PrefectApi
from infra.stack.listener import Listener
from infra.stack.processes import Process
from qhas.machine.free_ports import free_port
from qhas.prefect_settings import CLIENT_LOGIN, SERVER, guard, new_login

_DATABASE_VARIABLE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
_START_SECONDS, _STOP_SECONDS, _SETTLE_SECONDS = 600.0, 20.0, 30.0
_LOOK_SECONDS = 0.5
_ANSWER_SECONDS = 60.0
_IDLE_SHARE = 0.1
"""Share of a core's CPU time below which the server has finished the work that a sweep left it."""


class ServerFailed(BenchFailed):
    """The server did not come up, or did not answer. The message gives its last line of output, or the error."""


@dataclass(frozen=True)
class Server:
    """A running server. `start_up` is the seconds until it answered; `environment` makes a process use it."""

    pid: int
    environment: dict[str, str]
    start_up: float

    def cpu(self) -> float:
        """Return the CPU seconds of the server and its services since its start."""
        return session_cpu(self.pid)

    def ask(self, path: str, body: object) -> Any:
        """Return the server's answer to a POST to a path of its API. Raises ServerFailed."""
        api = PrefectApi(self.environment["PREFECT_API_URL"], self.environment[CLIENT_LOGIN], _ANSWER_SECONDS)
        try:
            return api.ask(path, body)
        except OSError as error:
            raise ServerFailed(f"The Prefect server did not answer at {path}: {error}") from error

    def settle(self) -> None:
        """Wait until the server has written everything it was sent; give up after half a minute."""
        deadline, used = time.monotonic() + _SETTLE_SECONDS, self.cpu()
        while time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            before, used = used, self.cpu()
            if used - before < _IDLE_SHARE * _LOOK_SECONDS:
                return


def without_prefect(environ: dict[str, str]) -> dict[str, str]:
    """Return the environment without any setting of the user's Prefect."""
    return {name: value for name, value in environ.items() if not name.startswith("PREFECT_")}


@contextmanager
def prefect_server(
    folder: Path, database: str = "", settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Server]:
    """Start a server with its home in `folder` and stop it after the block; without a `database` URL it uses SQLite.

    `settings` are added to the project's. Raises ServerFailed.
    """
    port, log = free_port(), folder / "server.txt"
    home = without_prefect(dict(os.environ)) | {"PREFECT_HOME": str(folder / "prefect")}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    api = f"http://127.0.0.1:{port}/api"
    login = new_login()
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=home
            | SERVER
            | guard(login)
            | ({_DATABASE_VARIABLE: database} if database else {})
            | dict(settings),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(process, port, api, log)
        yield Server(
            process.pid, home | {"PREFECT_API_URL": api, CLIENT_LOGIN: login}, time.monotonic() - began
        )
    finally:
        _end(process)


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether this process, or one in the session that it leads, accepts connections on the port."""
    running = Process.of(process.pid)
    return running is not None and running.listener_at(port) is Listener.OWN


def _await(process: subprocess.Popen[bytes], port: int, api: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if listens(process, port):
            with suppress(OSError), urllib.request.urlopen(f"{api}/health", timeout=5):
                return
        time.sleep(0.1)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise ServerFailed(f"The Prefect server did not come up; it last said: {said[-1] if said else 'nothing'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
