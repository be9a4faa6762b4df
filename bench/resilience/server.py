"""A Prefect server that can be killed and started again at the same address, with the same database."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from bench.resilience.lab import kill_group, without_labs
from bench.server import listens
from infra.prefect_api import PrefectApi
from qhas.machine.free_ports import free_port
from qhas.prefect_settings import CLIENT_LOGIN, QUIET, guard, new_login

_START_SECONDS = 1800.0
"""Under a load of twenty on two cores, starting takes seven minutes."""
_ANSWER_SECONDS = 300.0


class PrefectServer:
    """A server on loopback whose home is below `folder`. `with` starts and kills it."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = without_labs() | {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{self._port}/api",
            CLIENT_LOGIN: new_login(),
        }
        """A process with these variables uses this server."""

    def start(self) -> float:
        """Start the server; return the seconds until it answers. Raises RuntimeError if it terminates or never does."""
        began = time.monotonic()
        argv = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]  # fmt: skip
        home = {name: value for name, value in self.environment.items() if name != "PREFECT_API_URL"}
        with (self._folder / "server.txt").open("ab") as log:
            self._process = subprocess.Popen(
                argv, env=home | QUIET | self._guard(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )  # fmt: skip
        while self._process.poll() is None and time.monotonic() - began < _START_SECONDS:
            if listens(self._process, self._port):
                with suppress(OSError):
                    self.ask("/health")
                    return time.monotonic() - began
            time.sleep(0.1)
        ended = self._process.returncode
        fault = (
            f"did not answer within {_START_SECONDS:g} s"
            if ended is None
            else f"ended with exit code {ended}"
        )
        raise RuntimeError(f"The Prefect server {fault}; see {self._folder / 'server.txt'}")

    def kill(self) -> None:
        """Kill the server and its services at once, as a crash would."""
        if self._process:
            kill_group(self._process)

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the API's answer to a GET, or to a POST of the body."""
        return self.api.ask(path, body)

    @property
    def api(self) -> PrefectApi:
        """The server's API, logged in."""
        return PrefectApi(
            self.environment["PREFECT_API_URL"], self.environment[CLIENT_LOGIN], _ANSWER_SECONDS
        )

    def _guard(self) -> dict[str, str]:
        return guard(self.environment[CLIENT_LOGIN], self.environment["PREFECT_API_URL"].removesuffix("/api"))

    def flow_runs(self, state: str) -> int:
        """Return how many flow runs the server believes to be in a state, such as RUNNING."""
        count: int = self.ask("/flow_runs/count", {"flow_runs": {"state": {"type": {"any_": [state]}}}})
        return count

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
