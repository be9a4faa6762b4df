"""Scratch directories of one process each: removed at its end or, if it dies, when the next run begins.

Each contains a file that its process has locked. The kernel drops the lock when the process dies, however it dies and
in whatever container, so a lock that can be acquired shows that the directory is no longer in use.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from qhas.failures import InvalidInput
from qhas.machine.process_identity import names_of_this_host
from qhas.machine.shared_directory import LockedFile, SharedDirectory

SHORT = Path("/tmp")  # noqa: S108  # mkdtemp makes a directory that only we can use
"""Where sockets are created if TMPDIR is too long for their names."""
_PREFIX = "qhas-"
_LOCK = "in-use"


class Scratch:
    """A new directory in TMPDIR, or in `place`, that is this process's until it is removed or the process dies."""

    def __init__(self, place: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        self._lock: LockedFile | None = None
        # If files cannot be locked, nothing shows whether the process is alive: the directory never counts as dead.
        with suppress(OSError, InvalidInput):
            self._lock = _marked(self.path)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the directory with all its content."""
        _remove(self.path)
        if self._lock:
            self._lock.close()


def dead_scratch(place: Path | None = None) -> list[Path]:
    """Return the directories in TMPDIR, or in `place`, whose process is dead."""
    return [directory for directory in _ours(place) if _is_dead(directory)]


def remove_dead_scratch() -> None:
    """Remove what dead runs of this user left in TMPDIR and in the place for sockets."""
    for place in {Path(tempfile.gettempdir()), SHORT}:
        for directory in _ours(place):
            with _held_if_dead(directory) as dead:
                if dead:
                    _remove(directory)


def _marked(directory: Path) -> LockedFile:
    """Return the directory's lock, held. It gets its name only then, so the directory never looks dead before."""
    lock = SharedDirectory(directory).open("new", create=True)
    lock.lock()
    lock.write(json.dumps(sorted(names_of_this_host())))
    (directory / "new").rename(directory / _LOCK)
    return lock


def _ours(place: Path | None) -> Iterator[Path]:
    for directory in sorted((place or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*")):
        with suppress(OSError):
            facts = directory.lstat()
            # If others may write there, the mark may be theirs, as in the directory of the leases.
            private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if private and facts.st_uid == os.geteuid():
                yield directory


@contextmanager
def _held_if_dead(directory: Path) -> Iterator[bool]:
    """Yield whether the directory's process is dead; its lock is held in the meantime."""
    try:
        lock = SharedDirectory(directory).open(_LOCK)
    except (OSError, InvalidInput):  # no mark: not ours to judge
        yield False
        return
    with lock:
        dead = False
        with suppress(OSError):
            dead = lock.try_lock() and _was_made_here(lock.read())
        yield dead


def _is_dead(directory: Path) -> bool:
    with _held_if_dead(directory) as dead:
        return dead


def _was_made_here(line: bytes) -> bool:
    """Whether a process of this host made it: locks of other hosts are not always visible on a shared disk."""
    try:
        return bool(names_of_this_host() & set(json.loads(line)))
    except (ValueError, TypeError, RecursionError):
        return False


def _remove(directory: Path) -> None:
    """Remove the directory, with the lock last: an interrupted removal is finished by the next one."""
    with suppress(OSError):
        for entry in list(directory.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _LOCK:
                entry.unlink(missing_ok=True)
        if not [entry for entry in directory.iterdir() if entry.name != _LOCK]:
            (directory / _LOCK).unlink(missing_ok=True)
            directory.rmdir()
