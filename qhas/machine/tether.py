"""Processes that end with this one, however it ends: also by SIGKILL, which no handler and no `atexit` sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_WATCH = 'read -r _; kill -KILL "$1" 2>/dev/null'


def tether(pid: int) -> subprocess.Popen[bytes]:
    """Have a child killed when this process is gone; below zero, a whole process group. The watcher, which must be kept as long as this process lives.

    It waits for the end of a pipe that only this process holds. The kernel's own signal at a parent's death
    (PR_SET_PDEATHSIG) would come when the thread ends that started the child.
    """
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "qhas-tether", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # what ends this process's group must not end the watcher
    )


@contextmanager
def tethered(group: int) -> Iterator[None]:
    """The same of a process group for as long as the block runs."""
    watcher = tether(-group)
    try:
        yield
    finally:
        watcher.kill()  # before the pipe is closed, which it would take for our end
        watcher.communicate()
