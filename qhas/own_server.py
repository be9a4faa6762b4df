"""A run's own Prefect server, started if no API is configured: on loopback, for this process only.

Prefect would start one itself, but only on the first request, with its whole server imported into the requesting
process, and without a login, although other users of the host can reach loopback too. This one starts while the rest
is still being imported, on a socket that this process already holds: no other process can answer in its place.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.request
from functools import cache
from types import FrameType

from qhas.failures import InvalidInput
from qhas.machine.collector import rare_collections
from qhas.machine.tether import release, tether
from qhas.prefect_settings import guard, new_login

_START_SECONDS, _LOOK_SECONDS, _PAUSE_SECONDS, _STOP_SECONDS = 600.0, 1.0, 0.05, 5.0
_EPHEMERAL = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_SERVER_REGISTER_BLOCKS_ON_START": "0",
}
"""What Prefect 3.8.8 sets for a server of this kind: no UI, and none of the services that deployments need.

Block types, which are for the forms of a UI, are not registered either: storing them takes a fifth of the startup.
"""
_open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@cache
def own_server() -> OwnServer:
    """Return this process's server: started by the first call, stopped at exit after Prefect's last messages."""
    return OwnServer()


class OwnServer:
    """A server that is starting or has started. It accepts no request without `login`, and none from a web page."""

    def __init__(self) -> None:
        self.login = new_login()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.api = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
            descriptor = listening.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "qhas.own_server", str(descriptor)],
                env=os.environ | _EPHEMERAL | guard(self.login),
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
                start_new_session=True,  # Ctrl-C is for the run, which still reports its end to the server
            )
        tether(self._process.pid)
        atexit.register(self._stop)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ready(self) -> None:
        """Return when it answers. Raises InvalidInput if it has exited, or has not answered for ten minutes."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                with _open_url(f"{self.api}/health", timeout=_LOOK_SECONDS):
                    return
            except OSError:  # includes timeouts and URLError
                if (code := self._process.poll()) is not None:
                    raise InvalidInput(
                        f"Prefect's server, which this process started for itself, ended with exit code {code}; its output above says why."
                    ) from None
                time.sleep(_PAUSE_SECONDS)
        raise InvalidInput(
            f"Prefect's server, which this process started for itself, has not answered for {_START_SECONDS:.0f} s; try again when "
            "the machine is less busy."
        )

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        release(self._process.pid)


def main() -> None:
    """Serve on the socket whose descriptor is the only argument."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            logging.disable()  # what is cancelled from here on is no error, but would be logged as one
            super().handle_exit(sig, frame)

    app = "prefect.server.api.server:create_app"
    config = uvicorn.Config(app, factory=True, log_level="error", lifespan="on")
    with rare_collections():
        config.load()
    Server(config).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
