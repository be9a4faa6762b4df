"""Processes that outlive their starter are found again, never mistaken, and stopped with all they started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from infra.stack.listener import Listener
from infra.stack.processes import MARK, Process, Processes

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]
STARTS_ANOTHER = [
    sys.executable,
    "-c",
    f"import subprocess, time; subprocess.Popen({SLEEPS!r}, start_new_session=True); print('started', flush=True); time.sleep(600)",
]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    yield found
    for name in found.names():
        found.stop([name], SIGKILL, 5)
    found.end_strays(0.2)


def said(processes: Processes, name: str, word: str) -> None:
    while word not in processes.log(name).read_text():
        time.sleep(0.02)


def test_a_part_is_found_by_another_command_until_it_ends(processes: Processes) -> None:
    process = processes.start("one", SLEEPS, dict(os.environ))
    assert Processes(processes.folder).find("one") == process
    processes.stop(["one"], SIGTERM, 5)
    assert processes.find("one") is None
    assert not process.alive


def test_a_process_with_the_id_of_a_dead_part_is_another_one(processes: Processes) -> None:
    mine = Process.of(os.getpid())
    assert mine
    (processes.folder / "run").mkdir()
    (processes.folder / "run" / "one.json").write_text(
        json.dumps({"pid": mine.pid, "born": "an earlier boot 7"})
    )
    processes.stop(["one"], SIGKILL, 1)
    assert mine.alive


def test_a_part_that_does_not_listen_is_ended_all_the_same(processes: Processes) -> None:
    process = processes.start("deaf", DEAF, dict(os.environ))
    said(processes, "deaf", "deaf")
    processes.stop(["deaf"], SIGTERM, 0.3)
    assert not process.alive


def test_what_a_part_started_in_a_session_of_its_own_is_ended_with_the_stack(processes: Processes) -> None:
    processes.start("parent", STARTS_ANOTHER, dict(os.environ))
    said(processes, "parent", "started")
    processes.stop(["parent"], SIGKILL, 5)
    assert len(list(processes.marked())) == 1
    assert processes.end_strays(5) == 1
    assert list(processes.marked()) == []


def test_what_another_stack_or_nobody_started_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    other = {**os.environ, MARK: f"{tmp_path}-2"}
    with subprocess.Popen(SLEEPS, env=other) as stranger:
        assert processes.end_strays(0.2) == 0
        assert stranger.poll() is None
        stranger.kill()


def test_a_part_that_ended_by_itself_is_not_found(processes: Processes) -> None:
    processes.start("short", [sys.executable, "-c", ""], dict(os.environ))
    deadline = time.monotonic() + 600
    while processes.find("short") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes.find("short") is None
    assert processes.names() == ["short"]


def test_a_part_listens_where_a_process_that_it_started_does(processes: Processes) -> None:
    listens = (
        "import socket, time; held = socket.create_server(('127.0.0.1', 0)); "
        "print('listens at', held.getsockname()[1], flush=True); time.sleep(600)"
    )
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {listens!r}])"
    part, other = (
        processes.start(name, [sys.executable, "-c", starts], dict(os.environ)) for name in ("part", "other")
    )
    said(processes, "part", "\n")
    port = int(processes.log("part").read_text().split()[-1])
    assert part.listener_at(port) is Listener.OWN
    assert other.listener_at(port) is Listener.OTHER
