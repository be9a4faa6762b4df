"""A private adb server: the real program, on its own port and with its own home directory."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from qhas.machine.free_ports import free_port

from .phone import Phone


class AdbServer:
    """A running private server; the user's server on port 5037, keys and settings are never touched."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._home = folder
        self._log = (folder / "server.log").open("ab")
        self._process = subprocess.Popen(
            ["adb", "-P", str(port), "nodaemon", "server"],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    @classmethod
    def start(cls, folder: Path) -> AdbServer:
        """Start a server that keeps its keys and log in `folder`. Raises TimeoutError or RuntimeError if it does not listen."""
        folder.mkdir(parents=True, exist_ok=True)
        server = cls(folder.resolve(), port := free_port())
        _until(
            server._listens, 300, f"the adb server at port {port} does not listen, see {folder}/server.log"
        )
        return server

    def environment(self) -> dict[str, str]:
        """Return this process's environment, with variables that direct a plain `adb` to this server."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ADB_", "ANDROID_"))
        }
        return {
            **kept,
            "HOME": str(self._home),
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ADB_VENDOR_KEYS": str(self._home / ".android"),
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",  # no search for emulators
            "TMPDIR": str(self._home),
        }

    def adb(
        self, *arguments: str, timeout: float = 600, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """Run adb to completion; `options` are those of subprocess.run."""
        argv = ["adb", "-P", str(self.port), *arguments]
        given = {"capture_output": True, "stdin": subprocess.DEVNULL, **options}
        if "input" in given:
            del given["stdin"]
        return subprocess.run(argv, env=self.environment(), timeout=timeout, check=False, **given)

    def states(self) -> dict[str, str]:
        """Return the state of every device the server knows, keyed by serial: device, offline, unauthorized ..."""
        lines = self.adb("devices").stdout.decode().splitlines()[1:]
        return dict(line.split("\t", 1) for line in lines if "\t" in line)

    def connect(self, phone: Phone, timeout: float = 600) -> None:
        """Have the server connect, or reconnect, and wait until the phone accepts commands.

        Raises TimeoutError with adb's message if it does not within `timeout` seconds.
        """
        said = b""
        deadline = time.monotonic() + timeout
        while self.states().get(phone.serial) != "device":
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{phone.serial} did not come up: {said.decode().strip()}")
            self.adb("disconnect", phone.serial)
            with suppress(subprocess.TimeoutExpired):  # adb itself waits for a silent phone indefinitely
                said = self.adb("connect", phone.serial, timeout=min(left, 30)).stdout
            self._await_authentication(phone)

    def _await_authentication(self, phone: Phone) -> None:
        for _ in range(20):
            if self.states().get(phone.serial) not in ("authorizing", "connecting", "offline"):
                return
            time.sleep(0.02)

    def stop(self) -> None:
        """Terminate the server. Stopping twice does nothing."""
        self._process.terminate()
        self._process.wait()
        self._log.close()

    def __enter__(self) -> AdbServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listens(self) -> bool:
        if (code := self._process.poll()) is not None:
            raise RuntimeError(f"the adb server at port {self.port} ended with {code}, see {self._log.name}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True


def _until(met: Callable[[], bool], seconds: float, complaint: str) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint)
        time.sleep(0.01)
