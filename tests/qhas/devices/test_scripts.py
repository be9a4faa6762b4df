"""The two scripts that run on devices, under the shells of phones (mksh), boards (busybox) and this host."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from qhas.devices.remote import REAPER, RUNNER

SHELLS = {"sh": ["sh"], "mksh": ["mksh"], "busybox": ["busybox", "sh"]}
DEAF = "trap '' TERM; sleep 600 & while :; do sleep 1; done"


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    argv = SHELLS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"`{argv[0]}` is not installed")
    return argv


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs" / "it's a job $HOME"
    folder.mkdir(parents=True)
    (tmp_path / "staged").mkdir()
    return folder


Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(shell: list[str]) -> Iterator[Begin]:
    """Start the runner as a device would: as a session leader, with its standard input held open."""
    begun: list[subprocess.Popen[bytes]] = []

    def run(folder: Path, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*shell, "-c", RUNNER, "qhas-runner", str(folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def group(leader: int) -> list[int]:
    """The live processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            state, _, pgrp = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(pgrp) == leader and state != "Z":
            found.append(int(entry.name))
    return found


def until(met: Callable[[], object], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def reap(shell: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, "-c", REAPER, "qhas-reaper", str(root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        start_new_session=True,
    )


# The runner


def test_the_tool_runs_in_the_job_with_its_variables_and_arguments(begin: Begin, job: Path) -> None:
    odd = "a b'c\"d$HOME\ne"
    code = "import os, sys; print(os.getcwd(), ascii(os.environ['ODD']), ascii(sys.argv[1]), repr(sys.stdin.read()))"
    process = begin(job, f"ODD={odd}", sys.executable, "-c", code, odd)
    assert process.stdout is not None
    assert process.wait(600) == 0
    assert process.stdout.read().decode() == f"{job} {odd!a} {odd!a} ''\n"


def test_both_streams_and_the_exit_code_are_the_tools(begin: Begin, job: Path) -> None:
    process = begin(job, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert process.stdout is not None
    assert process.wait(600) == 7
    assert process.stdout.read() == b"out\nerr\n"


@pytest.mark.parametrize(("number", "code"), [("SEGV", 139), ("KILL", 137)])
def test_a_tool_that_dies_by_a_signal_has_the_shells_exit_code(
    begin: Begin, job: Path, number: str, code: int
) -> None:
    assert begin(job, "sh", "-c", f"kill -{number} $$").wait(600) == code


def test_a_program_that_is_not_there_is_127(begin: Begin, job: Path) -> None:
    assert begin(job, "A=b", "/nowhere/snpe-net-run").wait(600) == 127


def test_a_job_that_is_gone_is_125(begin: Begin, job: Path) -> None:
    assert begin(job / "gone", "true").wait(600) == 125


def test_nothing_outlives_a_tool_that_ends_well(begin: Begin, job: Path) -> None:
    process = begin(job, "true")
    assert process.wait(600) == 0
    until(lambda: not group(process.pid))


@pytest.mark.parametrize("tool", ["sleep 600", DEAF], ids=["meek", "deaf"])
def test_a_host_that_goes_away_takes_the_tool_and_its_children_along(
    begin: Begin, job: Path, tool: str
) -> None:
    process = begin(job, "sh", "-c", tool)
    until(lambda: len(group(process.pid)) >= 3)
    assert process.stdin is not None
    process.stdin.close()
    until(lambda: process.poll() is not None and not group(process.pid))


# The reaper


@pytest.mark.parametrize("tool", ["sleep 600", DEAF], ids=["meek", "deaf"])
def test_the_reaper_ends_what_a_job_left_and_removes_it(
    shell: list[str], begin: Begin, job: Path, tmp_path: Path, tool: str
) -> None:
    process = begin(job, "sh", "-c", tool)
    until(lambda: (job / ".qhas-leader").exists() and len(group(process.pid)) >= 3)
    done = reap(shell, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    until(lambda: process.poll() is not None and not group(process.pid), 1)
    assert not (tmp_path / "jobs").exists()
    assert not (tmp_path / "staged").exists()


def test_the_reaper_ends_what_a_leader_left_that_nobody_has_reaped_yet(
    shell: list[str], job: Path, tmp_path: Path
) -> None:
    script = "trap '' TERM; sleep 600 & exit 0"
    leader = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    try:
        until(lambda: Path(f"/proc/{leader.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
        (job / ".qhas-leader").write_text(f"{leader.pid}\n")
        assert reap(shell, tmp_path).stdout == ""
        assert not group(leader.pid)
    finally:
        end(leader)


def test_the_reaper_keeps_the_sdk(shell: list[str], job: Path, tmp_path: Path) -> None:
    (tmp_path / "sdk").mkdir()
    (tmp_path / "sdk/lib.so").touch()
    assert reap(shell, tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sdk"]


def test_the_reaper_finds_nothing_to_do_on_a_new_device(shell: list[str], tmp_path: Path) -> None:
    done = reap(shell, tmp_path / "nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stranger_that_has_the_leaders_number_now_is_left_alone(
    shell: list[str], job: Path, tmp_path: Path
) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        (job / ".qhas-leader").write_text(f"{stranger.pid}\n")
        done = reap(shell, tmp_path)
        assert (done.returncode, done.stdout) == (0, "")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "\n", "no number\n", "0\n", "1\n"])
def test_a_leader_that_is_no_number_of_ours_harms_nobody(
    shell: list[str], job: Path, tmp_path: Path, text: str
) -> None:
    (job / ".qhas-leader").write_text(text)
    witness = subprocess.Popen(["sleep", "60"])
    try:
        assert reap(shell, tmp_path).returncode == 0
        assert witness.poll() is None
    finally:
        witness.kill()
        witness.wait()
