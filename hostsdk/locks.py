"""Lock files at paths that others may guess: no link is followed, and no existing file is truncated."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RETRY_SECONDS = 0.05


@contextmanager
def own_directory(folder: Path) -> Iterator[int]:
    """Yield a descriptor of the folder, made if it does not exist.

    Raises OSError unless it is a directory of this user's that no other user may write to.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"{folder} is not private to this user")
        yield descriptor
    finally:
        os.close(descriptor)


def open_lock(path: str | Path, directory: int | None = None) -> int:
    """Open a lock file, made if it does not exist; a relative path is below the open `directory`.

    Raises OSError for a link, and for anything but a plain file with no other name.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600, dir_fd=directory)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(f"{path} is not a plain file with one name")
    return descriptor


def lock(descriptor: int, seconds: float = 0.0) -> bool:
    """Acquire the lock, and return whether that succeeded within the time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        else:
            return True
