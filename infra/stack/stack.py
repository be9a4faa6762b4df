"""Up, down and status. A stack keeps nothing: the contents of its folder go with it, and only the logs stay."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from signal import SIGINT, SIGTERM

from rich.console import Console

from infra.stack import parts
from infra.stack.failure import PortTaken, StackFailed
from infra.stack.parts import WORKER
from infra.stack.postgresql import Postgresql
from infra.stack.processes import Processes
from infra.stack.settings import Settings
from infra.stack.start import start
from qhas.machine.hangup import end_interrupts

ROOT = Path(__file__).parents[2]
_SETTINGS = "stack.json"
_STAYS = {"logs", "lock"}
_ORDER = ("postgresql", "s3", "redis", "server", "reports", "services")
"""The order in which parts depend on each other; workers depend on all of them. They are stopped in reverse."""
_ENDS_BY = {"postgresql": SIGINT}
"""PostgreSQL's "fast shutdown": SIGTERM would wait for clients."""
_END_SECONDS = 20.0
_TRIES = 3
"""How often to start, each time with new ports, if another program is quicker at one of them."""


@dataclass(frozen=True)
class Stack:
    """The stack in a folder. `root` is the checkout whose deployments it runs."""

    folder: Path = ROOT / ".stack"
    root: Path = ROOT

    @property
    def processes(self) -> Processes:
        """The processes of its parts."""
        return Processes(self.folder)

    @property
    def settings(self) -> Settings | None:
        """The settings of the stack that is up or has died; None if there is none."""
        return Settings.read(self.folder / _SETTINGS)

    def status(self) -> dict[str, int | None]:
        """Return the process ids of the parts, None for one that has died. Empty if there is no stack."""
        if (settings := self.settings) is None:
            return {}
        names = [name for name in _ORDER if settings.redis or name not in ("redis", "services")]
        names += [f"{WORKER}{queue}" for queue in parts.queues(self.root)]
        running = {name: self.processes.find(name) for name in names}
        return {name: process.pid if process else None for name, process in running.items()}

    def is_up(self) -> bool:
        """Whether there is a stack and every part of it runs."""
        return bool(status := self.status()) and all(status.values())

    def up(self, console: Console, ui_port: int | None = None, with_redis: bool | None = None) -> Settings:
        """Start the stack unless it is up, and return when a run could be started.

        The remains of a stack that died are stopped first. Redis is used if it is installed, unless `with_redis` says
        otherwise. Raises StackFailed, and KeyboardInterrupt on SIGTERM or a hang-up; nothing is left running then.
        """
        with self._alone(), end_interrupts():
            if (settings := self.settings) and self.is_up():
                return settings
            installed = Postgresql.find()
            if with_redis is None:
                with_redis = parts.redis_is_usable()
            for _ in range(_TRIES - 1):
                with suppress(PortTaken):
                    return self._start(installed, console, ui_port, with_redis)
            return self._start(installed, console, ui_port, with_redis)

    def _start(
        self, installed: Postgresql, console: Console, ui_port: int | None, with_redis: bool
    ) -> Settings:
        self._end()
        shutil.rmtree(self.folder / "logs", ignore_errors=True)
        settings = Settings.choose(self._database_folder(installed), ui_port, with_redis)
        settings.write(self.folder / _SETTINGS)
        try:
            start(self.processes, settings, installed, self.root, console)
        except BaseException:
            self._end()
            raise
        return settings

    def down(self) -> None:
        """Stop every process of the stack, or of one that died, and remove all that it had except its logs."""
        with self._alone():
            self._end()

    def _end(self) -> None:
        for names in _from_the_top(self.processes.names()):
            self.processes.stop(names, _ENDS_BY.get(names[0], SIGTERM), _END_SECONDS)
        self.processes.end_strays(_END_SECONDS)
        if settings := self.settings:
            shutil.rmtree(settings.data, ignore_errors=True)
        for path in self.folder.iterdir():
            if path.name not in _STAYS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _database_folder(self, installed: Postgresql) -> Path:
        """Make the database's folder: below /tmp for an account of its own, which cannot enter every checkout."""
        if installed.account:
            return Path(tempfile.mkdtemp(prefix="qhas-stack-", dir="/tmp"))
        (data := self.folder / "postgresql").mkdir(mode=0o700)
        return data

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Allow one command at a time. Raises StackFailed if another is at work."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StackFailed(
                    f"Another command is already working on the stack in {self.folder}; wait until it finishes."
                ) from error
            yield


def _from_the_top(names: Iterable[str]) -> Iterator[list[str]]:
    """Yield the workers, which end together, and then the parts that they depend on."""
    for _, group in groupby(sorted(names, key=_depth, reverse=True), _depth):
        yield list(group)


def _depth(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
