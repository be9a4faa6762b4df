"""A device as seen by a test: its root directory, its daemon and the line to the daemon."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from .faults import DeviceRule
from .journal import DeviceCommand, read_journal
from .occupants import evict, occupants
from .settings import DaemonSettings
from .state import DeviceState

_REPOSITORY = Path(__file__).parents[2]
_ANSWER_SECONDS = 20.0


class DeviceGone(Exception):
    """The device's daemon has terminated and cannot accept requests."""


@cache
def why_no_root() -> str | None:
    """Return why this machine cannot give a device its own file system, or None if it can."""
    if sys.platform != "linux":
        return "a fake device needs Linux: it is a mount namespace"
    if shutil.which("unshare") is None:
        return "a fake device needs `unshare` (util-linux), which is not installed"
    probe = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        return f"this user may make no mount namespace: {probe.stderr.strip()}"
    return None


def missing_programs(*names: str) -> str | None:
    """Return a sentence naming the first of the programs that is not installed, or None if all are."""
    for name in names:
        if shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None:
            return f"this fake device needs `{name}`, which is not installed"
    return None


def _unshare() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


class DeviceRoot(ABC):
    """A running daemon in its own root directory. It and all its processes terminate on `stop` or with this process.

    Until `stop`, `root` leads to the device's file system as the device sees it, including what is mounted in it.
    """

    def __init__(self, daemon: str, settings: DaemonSettings, scratch: str, state: DeviceState) -> None:
        """`scratch` is the directory of the jobs' files, relative to the root."""
        self._daemon = daemon
        self._scratch = scratch
        self.settings = settings
        self.state = state
        self.write_state()
        self._boot()

    @abstractmethod
    def write_state(self) -> None:
        """Write the files in which the device's tools find its state."""

    def set(
        self, *, skin: float | None = None, celsius: Mapping[str, float] | None = None, **changes: Any
    ) -> None:
        """Change what the device reports about itself, immediately. `changes` are fields of `DeviceState`.

        `celsius` changes the sensors it names; `skin` is the sensor of that name. Raises TypeError for unknown fields.
        """
        heat = {**self.state.celsius, **(celsius or {}), **({} if skin is None else {"skin": skin})}
        self.state = replace(self.state, celsius=heat, **changes)
        self.write_state()

    def files(self) -> list[str]:
        """List every file below the scratch directory, relative to it, sorted."""
        top = self.root / self._scratch
        return sorted(
            str((Path(folder) / name).relative_to(top)) for folder, _, names in os.walk(top) for name in names
        )

    def read(self, name: str) -> bytes:
        """Return the contents of a file below the scratch directory."""
        return (self.root / self._scratch / name).read_bytes()

    def _boot(self) -> None:
        """Start the daemon. Raises RuntimeError with the end of its log if it does not come up."""
        folder = Path(self.settings.journal).parent
        log = folder / "daemon.log"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [*_unshare(), sys.executable, "-S", "-m", self._daemon, self.settings.to_json()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=_REPOSITORY,
            )
        self._received = b""
        try:
            self.port = int(self._answer()["port"])
        except DeviceGone:
            self._close_line()
            self._process.wait()
            raise RuntimeError(f"the fake device did not start: {log.read_text().strip()[-2000:]}") from None
        self.pid = self._process.pid
        self._namespace = os.open(
            f"/proc/{self.pid}/ns/mnt", os.O_RDONLY
        )  # keeps its number from being reused
        self._root = os.open(f"/proc/{self.pid}/root", os.O_PATH | os.O_DIRECTORY)

    @property
    def root(self) -> Path:
        """The device's `/`, seen from here. Absolute links in it resolve to the host's files."""
        return Path(f"/proc/{os.getpid()}/fd/{self._root}")

    @property
    def alive(self) -> bool:
        """Whether the daemon is running."""
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> None:
        """Have the daemon do something and wait until it is done.

        Raises DeviceGone if it has terminated, ValueError with its message if it refuses.
        """
        if self._process.stdin is None or not self.alive:
            raise DeviceGone("the fake device has ended; reboot() starts it again")
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DeviceGone("the fake device has ended; reboot() starts it again") from None
        reply = self._answer()
        if "error" in reply:
            raise ValueError(reply["error"])

    def order(self, *rules: DeviceRule) -> None:
        """Put faults in force, after those already in force."""
        self.ask({"order": [rule.as_json() for rule in rules]})

    def recover(self) -> None:
        """Answer, accept keys and allow writing again; drop all rules, including those due to strike."""
        self.ask({"recover": True})

    def reboot(self) -> None:
        """Kill every process and start again on the same port with the same files; rules are dropped."""
        port = self.port
        self.stop()
        self.settings = replace(self.settings, port=port)
        self._boot()

    def commands(self) -> list[DeviceCommand]:
        """Return every command and transfer so far, in order of their start."""
        return read_journal(Path(self.settings.journal))

    def processes(self) -> list[int]:
        """Return the ids of live processes that are commands or were left by them, whoever their parent is now."""
        number = os.fstat(self._namespace).st_ino
        return [pid for pid in occupants(number) if pid != self.pid and not self.is_machinery(pid)]

    def is_machinery(self, pid: int) -> bool:
        """Whether a process in the device belongs to the fake itself rather than to a command."""
        return False

    def stop(self) -> None:
        """Terminate the daemon and every process in it; its mounts are gone. Stopping twice does nothing."""
        if self._root < 0:
            return
        self._close_line()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        evict(os.fstat(self._namespace).st_ino)
        os.close(self._namespace)
        os.close(self._root)
        self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _close_line(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> dict[str, Any]:
        """Return the daemon's next line. Raises DeviceGone if there is none."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + _ANSWER_SECONDS
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([descriptor], [], [], max(left, 0))
            data = os.read(descriptor, 65536) if ready else b""
            if not data:
                raise DeviceGone("the fake device ended or does not answer")
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply
