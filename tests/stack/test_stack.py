"""A stack starts and stops, and leaves nothing behind, even after a crash."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals, raise_signal

import pytest
from rich.console import Console

from infra.stack import postgresql, start
from infra.stack.failure import PortTaken, StackFailed
from infra.stack.parts import Part
from infra.stack.postgresql import Postgresql, PostgresqlMissing
from infra.stack.processes import Process, Processes
from infra.stack.settings import Settings
from infra.stack.stack import ROOT, Stack
from infra.stack.start import in_order, start_parts
from tests.stack.api import Api
from tests.stack.conftest import why_no_stack

QUIET = Console(quiet=True)
starts_a_stack = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    if why := why_no_stack():
        pytest.skip(why)
    stack = Stack(tmp_path / "stack", ROOT)
    yield stack
    stack.down()


def test_where_there_is_no_postgresql_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgresql, "_DEBIAN", tmp_path)
    stack = Stack(tmp_path / "stack", ROOT)
    with pytest.raises(PostgresqlMissing, match="`apt install postgresql`"):
        stack.up(QUIET)
    assert [path.name for path in stack.folder.iterdir()] == ["lock"]


def test_what_is_not_up_is_ended_without_complaint_and_has_no_parts(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "stack", ROOT)
    stack.down()
    stack.down()
    assert (stack.settings, stack.status(), stack.is_up()) == (None, {}, False)


@pytest.mark.parametrize("with_redis", [True, False])
def test_its_status_has_every_part_that_it_starts(tmp_path: Path, with_redis: bool) -> None:
    stack = Stack(tmp_path, ROOT)
    settings = Settings.choose(tmp_path, None, with_redis)
    settings.write(tmp_path / "stack.json")
    database = Postgresql(tmp_path, account=None)
    started = [part.name for group in in_order(settings, database, tmp_path, ROOT) for part in group]
    assert sorted(stack.status()) == sorted(started)


def test_a_registration_that_hangs_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (hanging := tmp_path / "infra" / "register").parent.mkdir()
    hanging.write_text("#!/bin/sh\necho looking for the server\nexec sleep 600\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(start, "_REGISTER_SECONDS", 0.5)
    (tmp_path / "logs").mkdir()
    with pytest.raises(
        StackFailed, match=r"register did not finish within 0.5 s. Its last output: "
    ) as failed:
        start._register(Processes(tmp_path), Settings.choose(tmp_path, None, with_redis=False), tmp_path)
    assert len(str(failed.value).splitlines()) == 1


@pytest.mark.parametrize("does", ["time.sleep(1000)", "sys.exit()"])
def test_a_part_at_whose_port_another_program_answers_is_not_ready_and_says_so(
    tmp_path: Path, does: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        part = Part("server", [sys.executable, "-c", f"import sys, time; {does}"], {}, tmp_path, port)
        try:
            with pytest.raises(
                PortTaken,
                match=f"Port {port} was free, but another program took it before server could",
            ):
                start_parts(Processes(tmp_path), [part])
        finally:
            Processes(tmp_path).stop(["server"], SIGKILL, 600)


@pytest.mark.parametrize("taken", [1, 2])
def test_a_port_that_another_program_takes_first_costs_a_start_with_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    chosen = _record_starts(tmp_path, monkeypatch, taken)
    assert Stack(tmp_path / "stack", ROOT).up(QUIET, with_redis=False) == chosen[-1]
    assert len({settings.database_password for settings in chosen}) == taken + 1


def test_where_every_start_finds_a_port_taken_that_is_said_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record_starts(tmp_path, monkeypatch, taken=1000)
    stack = Stack(tmp_path / "stack", ROOT)
    with pytest.raises(PortTaken):
        stack.up(QUIET, with_redis=False)
    assert stack.settings is None


def _record_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> list[Settings]:
    """Record the settings of every start to come, the first `taken` of which find a port taken."""
    chosen: list[Settings] = []

    def start(_: Processes, settings: Settings, *rest: object) -> None:
        assert Path(settings.data).is_dir()
        chosen.append(settings)
        if len(chosen) <= taken:
            raise PortTaken("taken")

    monkeypatch.setattr("infra.stack.stack.start", start)
    monkeypatch.setattr(Postgresql, "find", lambda: Postgresql(tmp_path, None))
    return chosen


@pytest.mark.parametrize("number", [SIGHUP, SIGTERM, SIGINT])
def test_whatever_ends_its_start_ends_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: Signals
) -> None:
    def started(processes: Processes, *_: object) -> None:
        processes.start("s3", [sys.executable, "-c", "import time; time.sleep(1000)"], {})
        raise_signal(number)
        time.sleep(1000)

    monkeypatch.setattr("infra.stack.stack.start", started)
    monkeypatch.setattr(Postgresql, "find", lambda: Postgresql(tmp_path, None))
    stack = Stack(tmp_path / "stack", ROOT)
    with pytest.raises(KeyboardInterrupt):
        stack.up(QUIET)
    assert list(stack.processes.marked()) == []
    assert stack.settings is None


def test_two_commands_do_not_work_on_one_stack(tmp_path: Path) -> None:
    one, two = Stack(tmp_path / "stack", ROOT), Stack(tmp_path / "stack", ROOT)
    with one._alone(), pytest.raises(StackFailed, match="Another command is already working"):
        two.down()


def test_the_command_says_that_there_is_none() -> None:
    if Stack().settings:
        pytest.skip("a stack of this checkout is up")
    done = subprocess.run(
        [sys.executable, "-m", "infra.stack", "status"], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert (done.returncode, done.stdout.strip()) == (1, "There is no stack; `make stack` starts one.")


class TestAStack:
    """A stack without Redis, from its start to its end."""

    pytestmark = starts_a_stack

    def test_is_up_once_and_is_gone_after_a_crash_and_after_its_end(self, stack: Stack) -> None:
        settings = stack.up(QUIET, with_redis=False)
        parts = stack.status()
        assert list(parts)[:3] == ["postgresql", "s3", "server"]
        assert Api(settings.api, settings.login).get("/health") is True
        assert stack.up(QUIET) == settings
        assert stack.status() == parts

        for pid in (parts["server"], parts["worker-default"]):
            os.kill(int(str(pid)), SIGKILL)
            while Process.of(int(str(pid))):  # the kernel takes a moment
                time.sleep(0.01)
        assert not stack.is_up()
        assert stack.status()["server"] is None

        again = stack.up(QUIET, with_redis=False)
        assert stack.is_up()
        assert not Path(settings.data).exists() or settings.data == again.data
        assert not any(pid in stack.status().values() for pid in parts.values())

        stack.down()
        self._is_gone(stack, again)
        stack.down()

    @staticmethod
    def _is_gone(stack: Stack, settings: Settings) -> None:
        assert list(stack.processes.marked()) == []
        assert not Path(settings.data).exists()
        assert {path.name for path in stack.folder.iterdir()} == {"logs", "lock"}
