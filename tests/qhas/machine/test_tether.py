"""A tethered process ends with the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BEGIN = """
import os, signal, subprocess, sys
from pathlib import Path
from qhas.machine.tether import release, tether

def child():
    return subprocess.Popen(["sleep", "1000"], start_new_session=True, stdout=subprocess.DEVNULL).pid

def watchers(*others):
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sorted(set(map(int, children)) - set(others))

tether(first := child())
"""
END = """
sys.stdout.flush()
sys.stdin.read()
"""


@contextmanager
def parent(script: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that has run the script, and the process ids that it printed; it ends when its input closes."""
    command = [sys.executable, "-c", BEGIN + script + END]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, [int(word) for word in process.stdout.readline().split()]


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, None])
def test_it_ends_however_its_parent_ends_and_so_does_the_watcher(by: signal.Signals | None) -> None:
    with parent("print(first, *watchers(first))") as (process, pids):
        assert len(pids) == 2
        assert all(map(_runs, pids))
        if by:
            process.send_signal(by)
        else:
            process.communicate("")
    _wait_for_the_end_of(pids)


def test_one_watcher_is_enough_for_all() -> None:
    script = "tether(second := child()); tether(third := child()); print(first, second, third, *watchers(first, second, third))"
    with parent(script) as (process, pids):
        assert len(pids) == 4
        process.kill()
    _wait_for_the_end_of(pids)


@pytest.mark.parametrize("order", ["first second third", "second first third", "third second first"])
def test_what_was_released_outlives_its_parent(order: str) -> None:
    free, other, held = order.split()
    script = (
        "tether(second := child()); tether(third := child());"
        f"release({free}); release({other}); print({free}, {other}, {held}, *watchers(first, second, third))"
    )
    with parent(script) as (process, (*released, tethered, watcher)):
        process.kill()
    _wait_for_the_end_of([tethered, watcher])
    assert all(map(_runs, released))
    for pid in released:
        os.kill(pid, signal.SIGKILL)


def test_a_watcher_that_was_killed_is_replaced_by_one_that_knows_all() -> None:
    script = """
(watcher,) = watchers(first)
os.kill(watcher, signal.SIGKILL)
os.waitid(os.P_PID, watcher, os.WEXITED | os.WNOWAIT)
tether(second := child())
print(first, second)
"""
    with parent(script) as (process, pids):
        process.kill()
    _wait_for_the_end_of(pids)


def test_a_fork_watches_its_own_processes_and_does_not_hide_the_end_of_its_parent() -> None:
    script = """
there, here = os.pipe()
if not (fork := os.fork()):
    tether(second := child())
    os.write(here, str(second).encode())
    os.setsid()
    signal.pause()
print(first, int(os.read(there, 20)), fork)
"""
    with parent(script) as (process, (first, second, fork)):
        process.kill()
    _wait_for_the_end_of([first])
    assert _runs(second)
    os.kill(fork, signal.SIGKILL)
    _wait_for_the_end_of([second])


def _wait_for_the_end_of(pids: list[int]) -> None:
    while any(map(_runs, pids)):
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with Path(f"/proc/{pid}/stat").open(encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
