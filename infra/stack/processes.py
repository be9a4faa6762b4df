"""Processes that outlive the command that started them, and are found again by a later command.

Each part of the stack leads a session of its own and has a file, which distinguishes it from a later process with the
same id. The processes that parts start (flow runs, tools) lead sessions of their own as well and may outlive them: they
are found by an environment variable that they inherit and that holds this stack's folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.stack.listener import Listener, listener_at

MARK = "QHAS_STACK"
"""Environment variable that every process of a stack has, with the stack's folder as its value."""

_STATE, _START_TIME = 0, 19
"""Positions in /proc/<pid>/stat, counted from the state (proc(5)): the state, and the start in ticks since boot."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """A process, whatever its parent. `born` is the id of this boot and the ticks from then to its start."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """Return the process that has the id now, or None if there is none or it has ended."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        if fields[_STATE] in "ZX":
            return None
        return cls(pid, f"{_BOOT_ID.read_text(encoding='ascii').strip()} {fields[_START_TIME]}")

    @property
    def alive(self) -> bool:
        """Whether it still runs, as opposed to another process with its id."""
        return Process.of(self.pid) == self

    def listener_at(self, port: int) -> Listener:
        """Return who accepts connections at a port of 127.0.0.1: this process or its session, another, or nobody."""
        return listener_at(port, self._session())

    def _session(self) -> Iterator[int]:
        for pid in _pids():
            with suppress(ProcessLookupError):
                if os.getsid(pid) == self.pid:
                    yield pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal if the process is still alive."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(frozen=True)
class Processes:
    """The processes of one stack, each with a file in `folder/run` and a log in `folder/logs`."""

    folder: Path

    def start(self, name: str, argv: Sequence[str], environment: Mapping[str, str], **popen: Any) -> Process:
        """Start a part in a session of its own. Raises OSError if its program cannot be started."""
        for folder in ("run", "logs"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                argv,
                env={**environment, MARK: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **popen,
            )
        process = Process.of(child.pid) or Process(child.pid, "ended")
        self._file(name).write_text(json.dumps(asdict(process)), encoding="ascii")
        return process

    def names(self) -> list[str]:
        """Return the names of the parts that were started and not stopped, dead or alive."""
        return [file.stem for file in (self.folder / "run").glob("*.json")]

    def find(self, name: str) -> Process | None:
        """Return the part's process if it runs."""
        try:
            process = Process(**json.loads(self._file(name).read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None
        return process if process.alive else None

    def stop(self, names: Collection[str], number: signal.Signals, seconds: float) -> None:
        """Send parts a signal to end, and kill what is left of them and their groups when the time is up."""
        running = [process for process in map(self.find, names) if process]
        for process in running:
            process.send(number)
        if not _gone(running, seconds):
            for process in running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            _gone(running, seconds)
        for name in names:
            self._file(name).unlink(missing_ok=True)

    def end_strays(self, seconds: float) -> int:
        """Terminate all others with our mark, the flow runs and tools of dead workers; return how many there were."""
        strays = list(self.marked())
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in strays:
                process.send(number)
            if _gone(strays, seconds):
                break
        return len(strays)

    def marked(self) -> Iterator[Process]:
        """Yield every process with our mark that we may see, except this one."""
        mark = f"{MARK}={self.folder}".encode()
        for pid in _pids():
            try:
                marked = mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:  # it has ended, or is another user's
                continue
            process = Process.of(pid)
            if marked and process and process.pid != os.getpid():
                yield process

    def log(self, name: str) -> Path:
        """Return the path of a part's log."""
        return self.folder / "logs" / f"{name}.log"

    def _file(self, name: str) -> Path:
        return self.folder / "run" / f"{name}.json"


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _gone(processes: Sequence[Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(process.alive for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
