"""A tool runs to its end with all of its output kept, and leaves no process behind."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from qhas.machine.process import ToolNotExecutable, ToolRun, run_tool

ROOT = Path(__file__).parents[3]
ENV = {"PATH": os.environ["PATH"]}


async def sh(script: str, folder: Path, *arguments: str, timeout_seconds: float = 20) -> ToolRun:
    """Run a shell script as the tool."""
    return await run_tool(
        ["/bin/sh", "-c", script, "sh", *arguments],
        cwd=folder,
        env=ENV,
        output=folder / "output.txt",
        timeout_seconds=timeout_seconds,
    )


def output_of(folder: Path) -> str:
    return (folder / "output.txt").read_text()


def alive(pid: int) -> bool:
    """Whether a process is running; one that only waits to be reaped is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def pids_in(folder: Path, count: int) -> list[int]:
    """The process ids that the script under test wrote to `pids`, once there are `count` of them."""
    file = folder / "pids"
    deadline = time.monotonic() + 600
    while not file.exists() or file.read_text().count("\n") < count:
        assert time.monotonic() < deadline, "the script did not start"
        await asyncio.sleep(0.01)
    return [int(line) for line in file.read_text().split()]


def wait_unnoticed(folder: Path, count: int) -> list[int]:
    """Do as `pids_in` without giving the event loop a turn, so that it cannot notice that the tool has started."""
    deadline = time.monotonic() + 600
    while not (pids := _written(folder / "pids", count)):
        assert time.monotonic() < deadline, "the script did not start"
        time.sleep(0.01)
    return pids


async def all_dead(pids: list[int]) -> bool:
    """Whether all are gone within a second: the kernel takes a moment to reap them."""
    for _ in range(100):
        if not any(map(alive, pids)):
            return True
        await asyncio.sleep(0.01)
    return False


TREE = "echo $$ >> pids; sh -c 'echo $$ >> pids; sleep 600 & echo $! >> pids; wait' & wait"
"""A tool with a child and a grandchild."""
DEAF = "trap '' TERM; echo $$ >> pids; while :; do sleep 0.05; done"
"""A tool that ignores SIGTERM."""


async def test_output_and_errors_are_kept_whole_and_in_order(tmp_path: Path) -> None:
    await sh("for i in $(seq 20000); do echo out $i; echo err $i >&2; done; printf end", tmp_path)
    expected = "".join(f"out {i}\nerr {i}\n" for i in range(1, 20001)) + "end"
    assert output_of(tmp_path) == expected


async def test_output_that_is_no_text_is_kept_byte_for_byte(tmp_path: Path) -> None:
    await sh(r"printf '\000\377\015\012x'", tmp_path)
    assert (tmp_path / "output.txt").read_bytes() == b"\0\xff\r\nx"


@pytest.mark.parametrize("code", [0, 1, 2, 77, 255])
async def test_the_exit_code_is_the_tools_own(tmp_path: Path, code: int) -> None:
    run = await sh(f"exit {code}", tmp_path)
    assert (run.exit_code, run.killed_by, run.timed_out) == (code, None, False)


@pytest.mark.parametrize("name", ["SEGV", "KILL", "ABRT", "TERM"])
async def test_a_signal_is_named(tmp_path: Path, name: str) -> None:
    run = await sh(f"kill -{name} $$", tmp_path)
    assert run.killed_by == f"SIG{name}"
    assert run.exit_code < 0


@pytest.mark.parametrize(
    ("code", "name"), [(137, "SIGKILL"), (139, "SIGSEGV"), (134, "SIGABRT"), (128, None), (255, None)]
)
async def test_a_signal_that_a_shell_reports_is_named_too(
    tmp_path: Path, code: int, name: str | None
) -> None:
    assert (await sh(f"exit {code}", tmp_path)).killed_by == name


async def test_a_time_limit_ends_the_tool_with_its_grandchildren(tmp_path: Path) -> None:
    run = await sh(TREE, tmp_path, timeout_seconds=0.7)
    pids = await pids_in(tmp_path, 3)
    assert run.timed_out
    assert run.seconds < 5
    assert await all_dead(pids)


async def test_a_tool_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    run = await sh(DEAF, tmp_path, timeout_seconds=0.5)
    assert run.timed_out
    assert run.killed_by == "SIGKILL"
    assert await all_dead(await pids_in(tmp_path, 1))


async def test_a_tool_that_ends_at_sigterm_may_clean_up(tmp_path: Path) -> None:
    run = await sh("trap 'echo cleaned; exit 3' TERM; sleep 60 & wait", tmp_path, timeout_seconds=0.5)
    assert run.timed_out
    assert output_of(tmp_path) == "cleaned\n"
    assert run.exit_code == 3


async def test_children_that_outlive_a_finished_tool_are_ended(tmp_path: Path) -> None:
    run = await sh("sleep 60 & echo $! >> pids", tmp_path)
    assert run.exit_code == 0
    assert await all_dead(await pids_in(tmp_path, 1))


@pytest.mark.parametrize(("script", "count"), [(TREE, 3), (DEAF, 1)], ids=["tree", "deaf"])
async def test_cancellation_ends_the_whole_group_before_it_is_passed_on(
    tmp_path: Path, script: str, count: int
) -> None:
    running = asyncio.create_task(sh(script, tmp_path))
    pids = await pids_in(tmp_path, count)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await all_dead(pids)


@pytest.mark.parametrize("stdin", [None, "held"])
@pytest.mark.parametrize("turns", range(2, 9))
async def test_cancellation_while_the_tool_is_being_started_ends_the_whole_group(
    tmp_path: Path, turns: int, stdin: Literal["held"] | None
) -> None:
    run = run_tool(
        ["/bin/sh", "-c", TREE],
        cwd=tmp_path,
        env=ENV,
        output=tmp_path / "output",
        timeout_seconds=600,
        stdin=stdin,
    )
    running = asyncio.create_task(run)
    for _ in range(turns):
        await asyncio.sleep(0)
    pids = wait_unnoticed(tmp_path, 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await all_dead(pids)


async def test_a_tool_that_cannot_be_tethered_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def refused(pid: int) -> None:
        seen.extend(wait_unnoticed(tmp_path, 3))
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("qhas.machine.tether.tether", refused)
    with pytest.raises(OSError, match="Too many open files"):
        await sh(TREE, tmp_path)
    assert await all_dead(seen)


@pytest.mark.parametrize("turns", range(2, 6))
async def test_a_tool_that_is_cancelled_while_it_is_being_started_is_ended_though_it_cannot_be_tethered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    def refused(pid: int) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("qhas.machine.tether.tether", refused)
    running = asyncio.create_task(sh(TREE, tmp_path))
    for _ in range(turns):
        await asyncio.sleep(0)
    pids = wait_unnoticed(tmp_path, 3)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await all_dead(pids)


@pytest.mark.parametrize("turns", range(2, 6))
async def test_a_tool_that_is_cancelled_while_it_is_being_started_may_clean_up(
    tmp_path: Path, turns: int
) -> None:
    script = "trap 'echo cleaned; exit' TERM; echo $$ > pids; while :; do sleep 0.05; done"
    running = asyncio.create_task(sh(script, tmp_path))
    for _ in range(turns):
        await asyncio.sleep(0)
    wait_unnoticed(tmp_path, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert "cleaned\n" in output_of(tmp_path)


async def test_a_tool_that_is_being_started_ends_when_a_task_beside_it_fails(tmp_path: Path) -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        wait_unnoticed(tmp_path, 3)
        raise RuntimeError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sh(TREE, tmp_path))
            await asyncio.sleep(0)
            group.create_task(fails())

    with pytest.raises(ExceptionGroup):
        await both()
    assert await all_dead(_written(tmp_path / "pids", 3))


async def test_a_second_cancellation_leaves_no_process_behind_either(tmp_path: Path) -> None:
    """Structured concurrency cancels again at every await until the task has ended."""
    running = asyncio.create_task(sh(DEAF, tmp_path))
    pids = await pids_in(tmp_path, 1)
    for _ in range(3):
        running.cancel()
        await asyncio.sleep(0.05)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await all_dead(pids)


@pytest.mark.parametrize(
    "argument", ["a b", "it's", 'say "x"', "$HOME", "`id`", "*", "\\n", "", "--a=b c", "é"]
)
async def test_an_argument_arrives_as_it_is(tmp_path: Path, argument: str) -> None:
    run = await sh('printf %s "$1"', tmp_path, argument)
    assert output_of(tmp_path) == argument
    assert run.argv[-1] == argument


async def test_the_tool_runs_in_its_own_directory(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    await run_tool(
        ["/bin/pwd"], cwd=tmp_path / "own", env=ENV, output=tmp_path / "output.txt", timeout_seconds=600
    )
    assert output_of(tmp_path).strip() == str((tmp_path / "own").resolve())


async def test_standard_input_is_empty(tmp_path: Path) -> None:
    await sh("cat; echo done", tmp_path)
    assert output_of(tmp_path) == "done\n"


async def test_the_tool_sees_the_given_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEFT_OUT", "1")
    await sh("echo ${LEFT_OUT-absent}", tmp_path)
    assert output_of(tmp_path) == "absent\n"


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    program = str(tmp_path / "snpe-net-run")
    with pytest.raises(ToolNotExecutable, match="snpe-net-run cannot be executed: No such file"):
        await run_tool([program], cwd=tmp_path, env=ENV, output=tmp_path / "output.txt", timeout_seconds=1)


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (b"#!/bin/sh\n", stat.S_IRUSR, "Permission denied"),
        (b"\x7fELF damaged", stat.S_IRWXU, "Exec format error"),
        (b"#!/no/such/interpreter\n", stat.S_IRWXU, "No such file"),
    ],
    ids=["mode", "format", "interpreter"],
)
async def test_a_program_that_cannot_be_executed_is_named_with_the_reason(
    tmp_path: Path, content: bytes, mode: int, why: str
) -> None:
    program = tmp_path / "snpe-net-run"
    program.write_bytes(content)
    program.chmod(mode)
    with pytest.raises(ToolNotExecutable, match=f"snpe-net-run cannot be executed: {why}"):
        await run_tool([str(program)], cwd=tmp_path, env=ENV, output=tmp_path / "out", timeout_seconds=1)


async def test_a_missing_working_directory_is_no_missing_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await run_tool(
            ["/bin/true"], cwd=tmp_path / "gone", env=ENV, output=tmp_path / "out", timeout_seconds=1
        )


def test_a_run_is_stored_and_read_back_with_its_signal(tmp_path: Path) -> None:
    run = ToolRun.model_validate(
        {"argv": ["x"], "started_at": "2026-03-01T22:00:00Z", "seconds": 1, "exit_code": -9}
    )
    assert run.model_dump()["killed_by"] == "SIGKILL"
    assert ToolRun.model_validate_json(run.model_dump_json()) == run


@pytest.mark.parametrize(
    ("left", "full"),
    [
        ({"f_bavail": 255, "f_frsize": 4096}, True),
        ({"f_bavail": 256, "f_frsize": 4096}, False),
        ({"f_bavail": 10**6, "f_frsize": 4096, "f_files": 1000, "f_favail": 0}, True),
        ({"f_bavail": 10**6, "f_frsize": 4096, "f_files": 0, "f_favail": 0}, False),
    ],
)
async def test_it_is_noted_that_the_disk_was_full_when_the_tool_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: dict[str, int], full: bool
) -> None:
    facts = SimpleNamespace(**{"f_files": 1000, "f_favail": 10} | left)
    monkeypatch.setattr(
        "os.statvfs", lambda folder: facts if folder == tmp_path else pytest.fail(str(folder))
    )
    assert (await sh("exit 1", tmp_path)).disk_full is full


OWNER = """
import asyncio, sys
from contextlib import contextmanager
from pathlib import Path
from qhas.machine import process
from tests.qhas.machine.test_process import sh

folder, tethered = Path(sys.argv[1]), process.tethered

@contextmanager
def told(group):
    with tethered(group):
        (folder / "tethered").touch()
        yield

process.tethered = told
asyncio.run(sh('echo $$ >> pids; sleep 1000 & echo $! >> pids; wait', folder, timeout_seconds=1000))
"""


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_tool_and_its_children_end_with_the_process_that_runs_them(
    by: signal.Signals, tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT) as owner:
        while not (pids := _written(tmp_path / "pids", 2)) or not (tmp_path / "tethered").exists():
            assert owner.poll() is None
            time.sleep(0.01)
        owner.send_signal(by)
    while any(map(alive, pids)):
        time.sleep(0.01)


OWNER_OF_A_DEAF_TOOL = """
import asyncio, sys
from pathlib import Path
from qhas.machine import process
from tests.qhas.machine.test_process import sh

process.GRACE_SECONDS = 1000
script = 'trap "touch told" TERM; echo $$ > pids; while :; do sleep 0.05; done'
asyncio.run(sh(script, Path(sys.argv[1]), timeout_seconds=1000))
"""


def test_a_tool_that_is_asked_to_end_still_ends_with_the_process_that_runs_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER_OF_A_DEAF_TOOL, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT) as owner:
        while not (pids := _written(tmp_path / "pids", 1)):
            assert owner.poll() is None
            time.sleep(0.01)
        owner.send_signal(signal.SIGINT)
        while not (tmp_path / "told").exists():
            assert owner.poll() is None
            time.sleep(0.01)
        owner.send_signal(signal.SIGKILL)
    while any(map(alive, pids)):
        time.sleep(0.01)


def _written(file: Path, count: int) -> list[int]:
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [int(line) for line in lines] if len(lines) == count and lines[-1].endswith("\n") else []


def test_a_tool_that_has_ended_is_not_watched_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = list[tuple[str, int]]()
    monkeypatch.setattr("qhas.machine.tether.tether", lambda pid: said.append(("tether", pid)))
    monkeypatch.setattr("qhas.machine.tether.release", lambda pid: said.append(("release", pid)))
    asyncio.run(sh("echo $$", tmp_path))
    group = -int(output_of(tmp_path))
    assert said == [("tether", group), ("release", group)]
