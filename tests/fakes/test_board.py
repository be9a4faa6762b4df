"""The fake board, driven by the real ssh, scp and sftp, behaves like a board, and fails as its faults say."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.devices import Board, DeviceFault, DeviceRule
from fakes.devices.board import why_unavailable

WHY = why_unavailable()
pytestmark = pytest.mark.skipif(WHY is not None, reason=WHY or "")
JOBS = "/opt/qhas"
Done = subprocess.CompletedProcess[bytes]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    with Board.start(tmp_path / "board") as board:
        yield board


def ssh(board: Board, command: str, timeout: float = 600, **options: Any) -> Done:
    return client(board, "ssh", "-o", "ConnectTimeout=1", board.host, command, timeout=timeout, **options)


def client(board: Board, program: str, *words: str, timeout: float = 600, **options: Any) -> Done:
    argv = [program, "-F", str(board.ssh_config), *words]
    given = options if "input" in options else {"stdin": subprocess.DEVNULL, **options}
    return subprocess.run(argv, capture_output=True, timeout=timeout, check=False, **given)


def until(met: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


# Commands


def test_a_command_keeps_exit_code_output_and_errors_apart(board: Board) -> None:
    done = ssh(board, "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_the_end_of_the_clients_input_reaches_the_command(board: Board) -> None:
    assert ssh(board, "cat", input=b"x" * 300_000).stdout == b"x" * 300_000


def test_a_shell_killed_by_a_signal_is_255_and_a_killed_tool_128_and_the_signal(board: Board) -> None:
    assert ssh(board, "kill -9 $$").returncode == 255
    assert ssh(board, "sh -c 'kill -9 $$'; exit $?").returncode == 137
    until(lambda: [command.exit_code for command in board.commands()] == [137, 137])


def test_a_pipe_that_closes_ends_the_writer(board: Board) -> None:
    assert ssh(board, "yes | head -n 1").stdout == b"y\n"


def test_a_killed_client_leaves_the_command_alive(board: Board) -> None:
    argv = ["ssh", "-F", str(board.ssh_config), board.host, f"sleep 60; touch {JOBS}/done"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        until(lambda: len(board.processes()) == 2)
        running.kill()
    time.sleep(0.2)
    assert len(board.processes()) == 2


def test_every_command_is_on_record(board: Board) -> None:
    ssh(board, "exit 3")
    until(lambda: all(command.end for command in board.commands()))  # recorded only after the client has gone
    (command,) = board.commands()
    assert (command.service, command.exit_code, command.fault) == ("exit 3", 3, None)
    assert command.end is not None
    assert command.start <= command.end


def test_one_connection_carries_many_sessions(board: Board, tmp_path: Path) -> None:
    share = ("-o", "ControlMaster=auto", "-o", f"ControlPath={tmp_path}/%p", "-o", "ControlPersist=30")
    for number in range(3):
        assert client(board, "ssh", *share, board.host, f"exit {number}").returncode == number
    client(board, "ssh", *share, "-O", "exit", board.host)
    assert len(board.commands()) == 3


# The system on it


def test_its_shell_and_tools_are_busyboxes(board: Board) -> None:
    said = ssh(board, "readlink -f $(which ls); echo $0; echo $HOME; . /etc/os-release; echo $ID")
    assert said.stdout == b"/usr/bin/busybox\nsh\n/home/root\npoky\n"


def test_only_its_own_directories_can_be_written(board: Board) -> None:
    said = ssh(board, f"touch /x /sys/x /usr/x /etc/x {JOBS}/x ~/x").stderr.decode()
    assert [line.split(":")[1].strip() for line in said.splitlines()] == ["/x", "/sys/x", "/usr/x", "/etc/x"]
    assert said.count("Read-only file system") == 4
    assert board.files() == ["x"]


def test_it_says_what_it_is_and_how_warm(board: Board) -> None:
    board.set(soc_model="QCS8300", soc_id=674, celsius={"nsp0": 71.5})
    said = ssh(
        board, "cd /sys/devices/soc0; cat machine soc_id; cat /sys/class/thermal/thermal_zone4/*"
    ).stdout
    assert said == b"QCS8300\n674\n71500\nnsp0\n"


def test_it_is_no_android(board: Board) -> None:
    assert ssh(board, "getprop").returncode == 127


# Files


@pytest.mark.parametrize("protocol", ["-s", "-O"], ids=["sftp", "scp"])
def test_what_was_copied_there_comes_back(board: Board, tmp_path: Path, protocol: str) -> None:
    sent = tmp_path / "sent"
    sent.write_bytes(bytes(range(256)) * 20_000)
    assert client(board, "scp", protocol, str(sent), f"{board.host}:{JOBS}/file").returncode == 0
    assert board.files() == ["file"]
    assert client(board, "scp", protocol, f"{board.host}:{JOBS}/file", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_bytes() == sent.read_bytes()


def test_a_full_board_refuses_a_file(tmp_path: Path) -> None:
    with Board.start(tmp_path / "small", data_bytes=2**20) as board:
        refused = ssh(board, f"cat >{JOBS}/big", input=bytes(2_000_000))
        assert refused.returncode == 1
        assert b"No space left on device" in refused.stderr
        assert 0 < len(board.read("big")) <= 2**20


# Faults


def test_a_dropped_connection_is_255_and_can_be_made_again(board: Board) -> None:
    board.order(DeviceRule("net-run", DeviceFault.DROP, after_seconds=0.1))
    cut = ssh(board, f"touch {JOBS}/ran; sleep 5 # net-run")
    assert (cut.returncode, b"closed by remote host" in cut.stderr) == (255, True)
    assert ssh(board, "# net-run").returncode == 0
    assert board.files() == ["ran"]


def test_a_fault_without_delay_strikes_before_the_command_runs(board: Board) -> None:
    board.order(DeviceRule("touch", DeviceFault.DROP))
    assert ssh(board, f"touch {JOBS}/x").returncode == 255
    assert board.files() == []
    assert board.commands()[0].fault is DeviceFault.DROP


def test_an_offline_board_answers_nobody_and_goes_on_when_it_recovers(board: Board) -> None:
    board.order(DeviceRule("touch", DeviceFault.OFFLINE, after_seconds=0.1))
    argv = ["ssh", "-F", str(board.ssh_config), board.host, f"sleep 0.3; touch {JOBS}/x; echo done"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        until(lambda: board.files() == ["x"])
        assert ssh(board, "true").returncode == 255
        assert running.poll() is None
        board.recover()
        assert running.communicate()[0] == b"done\n"
    assert ssh(board, "true").returncode == 0


def test_an_unauthorised_board_takes_no_key_until_it_recovers(board: Board) -> None:
    board.order(DeviceRule("true", DeviceFault.UNAUTHORISED))
    assert ssh(board, "true").returncode == 255
    assert b"Permission denied (publickey)" in ssh(board, "true").stderr
    board.recover()
    assert ssh(board, "true").returncode == 0


def test_a_dead_board_refuses_connections_until_it_boots_again(board: Board) -> None:
    board.order(DeviceRule("sleep", DeviceFault.DIE, after_seconds=0.1))
    assert ssh(board, f"touch {JOBS}/kept; sleep 5").returncode == 255
    until(lambda: not board.alive)
    assert b"Connection refused" in ssh(board, "true").stderr
    board.reboot()
    assert ssh(board, f"ls {JOBS}").stdout == b"kept\n"
    until(lambda: board.processes() == [])


def test_a_read_only_board_can_be_read(board: Board) -> None:
    board.order(DeviceRule("true", DeviceFault.READ_ONLY))
    assert ssh(board, "true").returncode == 0
    assert b"Read-only file system" in ssh(board, f"ls {JOBS} && touch {JOBS}/x").stderr
    board.recover()
    assert ssh(board, f"touch {JOBS}/x").returncode == 0


def test_a_hanging_command_never_answers_and_others_do(board: Board) -> None:
    board.order(DeviceRule("echo lost", DeviceFault.HANG))
    with pytest.raises(subprocess.TimeoutExpired):
        ssh(board, "echo lost", timeout=1)
    assert ssh(board, "echo here").stdout == b"here\n"


def test_faults_of_transfers_are_refused(board: Board) -> None:
    with pytest.raises(ValueError, match="ssh encrypts"):
        board.order(DeviceRule("push ", DeviceFault.CUT_TRANSFER, after_bytes=10))
