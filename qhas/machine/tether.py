"""Processes that are terminated with this one, however it ends: even by SIGKILL, which no handler or `atexit` sees."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_WATCH = """
held=' '
while read -r does whom; do
  case $does in
    hold) held="$held$whom " ;;
    drop) case $held in *" $whom "*) held="${held%%" $whom "*} ${held#*" $whom "}" ;; esac ;;
  esac
done
for whom in $held; do kill -KILL "$whom" 2>/dev/null; done
"""


class _Watcher:
    """A shell that kills the processes it holds when this process is gone.

    It waits for the end of a pipe that only this process holds. The kernel's own signal on a parent's death
    (PR_SET_PDEATHSIG) would be sent when the thread that started the child ends.
    """

    def __init__(self) -> None:
        self._held = set[int]()
        self._shell: subprocess.Popen[bytes] | None = None
        self._sending = threading.Lock()

    def hold(self, pid: int) -> None:
        with self._sending:
            self._held.add(pid)
            if self._shell is None or not self._send("hold", pid):
                self._start()

    def drop(self, pid: int) -> None:
        with self._sending:
            self._held.discard(pid)
            self._send("drop", pid)

    def _start(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "qhas-tether"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what terminates this process's group must not terminate the watcher
        )
        for pid in self._held:
            self._send("hold", pid)

    def _send(self, does: str, pid: int) -> bool:
        """Write to the shell, and return whether it is there to read it."""
        with suppress(BrokenPipeError):
            if self._shell and self._shell.stdin:
                self._shell.stdin.write(b"%s %d\n" % (does.encode(), pid))
                return True
        return False

    def abandon(self) -> None:
        """Close the pipe in a fork, where an open copy would hide that the parent has ended."""
        if self._shell and self._shell.stdin:
            self._shell.stdin.close()
            self._shell.returncode = 0  # the parent waits for it


_watcher = _Watcher()


def _begin_anew() -> None:
    global _watcher
    _watcher.abandon()
    _watcher = _Watcher()


os.register_at_fork(after_in_child=_begin_anew)


def tether(pid: int) -> None:
    """Have a child killed when this process is gone, until it is released; a negative number is a process group."""
    _watcher.hold(pid)


def release(pid: int) -> None:
    """Release a child that has ended, because its number may be reused."""
    _watcher.drop(pid)


@contextmanager
def tethered(group: int) -> Iterator[None]:
    """Tether a process group for as long as the block runs."""
    tether(-group)
    try:
        yield
    finally:
        release(-group)
