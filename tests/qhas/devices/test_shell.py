"""The ways to reach devices: what survives quoting, and how a lost connection shows."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fakes.devices import AdbServer, Board, DeviceFault, DeviceRule, Phone, board, phone
from qhas.devices.adb import AdbShell
from qhas.devices.shell import Shell, digests, quoted
from qhas.devices.ssh import SshShell
from qhas.failures import DeviceFailed, FailureKind

NO_PHONE, NO_BOARD = phone.why_unavailable(), board.why_unavailable()
pytestmark = pytest.mark.xdist_group("shells")  # so that its three devices are started once
TOP = {"phone": "/data/local/tmp", "board": "/opt/qhas"}


# On devices


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    with AdbServer.start(tmp_path_factory.mktemp("adb")) as server:
        yield server


@pytest.fixture(scope="module")
def devices(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Phone | Board]]:
    made: dict[str, Phone | Board] = {}
    folder = tmp_path_factory.mktemp("devices")
    if not NO_PHONE:
        for name, modern in (("phone", True), ("old phone", False)):
            made[name] = one = Phone.start(folder / name, shell_v2=modern)
            request.getfixturevalue("server").connect(one)
    if not NO_BOARD:
        made["board"] = Board.start(folder / "board")
    yield made
    for device in made.values():
        device.stop()


def shell_to(device: Phone | Board, folder: Path, server: AdbServer | None, seconds: float = 20) -> Shell:
    if isinstance(device, Board):
        return SshShell("board", device.host, folder, seconds, device.ssh_config)
    assert server is not None
    return AdbShell("phone", device.serial, folder, seconds, f"127.0.0.1:{server.port}")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: ssh's socket is inside it, and a socket's path has at most 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="s-") as folder:
        yield Path(folder)


@pytest.fixture(params=["phone", "old phone", "board"])
async def shell(
    request: pytest.FixtureRequest, devices: dict[str, Phone | Board], short: Path
) -> AsyncIterator[Shell]:
    """A shell on each kind of device."""
    if request.param not in devices:
        pytest.skip(str(NO_BOARD if request.param == "board" else NO_PHONE))
    server = None if request.param == "board" else request.getfixturevalue("server")
    shell = shell_to(devices[request.param], short, server)
    yield shell
    await shell.close()


def top(shell: Shell) -> str:
    return TOP[shell.name]


ODD = [
    "plain",
    "with blank",
    "it's",
    'say "x"',
    "$HOME",
    "`id`",
    "a;b",
    "a\\b",
    "*",
    "-n",
    "ümläut",
    "two\nlines",
    "#",
]


async def test_words_reach_the_program_as_they_are(shell: Shell) -> None:
    answer = await shell.ask(quoted("printf", "[%s]", *ODD))
    assert (answer.text, answer.exit_code) == ("".join(f"[{word}]" for word in ODD), 0)


async def test_exit_codes_and_both_streams_come_back(shell: Shell) -> None:
    answer = await shell.ask("echo out; echo err >&2; (exit 7)")
    assert answer.exit_code == 7
    assert sorted(f"{answer.text}{answer.errors}".split()) == ["err", "out"]


async def test_a_command_that_refuses_is_quoted_in_one_sentence(shell: Shell) -> None:
    with pytest.raises(DeviceFailed, match=r"refused `ls /nowhere`: .*No such file.*\.$"):
        await shell.output_of("ls /nowhere")


@pytest.mark.parametrize("name", ["plain.bin", "with blank.bin", "it's $HOME.bin"])
async def test_a_file_goes_there_and_back_whole(shell: Shell, tmp_path: Path, name: str) -> None:
    source, back, there = tmp_path / "source", tmp_path / "back", f"{top(shell)}/{name}"
    source.write_bytes(content := bytes(range(256)) * 1000 + b"\r\n__qhas_exit=3\r\n")
    await shell.push(source, there)
    await shell.pull(there, back, len(content))
    assert back.read_bytes() == content
    (digest,) = (await digests(shell, quoted("sha256sum", there))).items()
    assert digest[0] == there
    await shell.output_of(quoted("rm", there))


async def test_an_empty_file_arrives_empty(shell: Shell, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.touch()
    await shell.push(source, f"{top(shell)}/empty")
    await shell.pull(f"{top(shell)}/empty", back, 0)
    assert back.read_bytes() == b""


async def test_a_device_that_does_not_answer_in_time_is_offline(shell: Shell, tmp_path: Path) -> None:
    shell._answer_seconds = 0.5
    with pytest.raises(DeviceFailed, match=r"did not answer within \d s") as failed:
        await shell.output_of("sleep 20")
    assert failed.value.kind is FailureKind.DEVICE_OFFLINE


async def test_a_cut_connection_is_no_success_and_connecting_mends_it(
    devices: dict[str, Phone | Board], shell: Shell, request: pytest.FixtureRequest
) -> None:
    devices[request.node.callspec.params["shell"]].order(DeviceRule("echo struck", DeviceFault.DROP))
    with pytest.raises(DeviceFailed) as failed:
        await shell.output_of("echo struck")
    assert failed.value.kind is FailureKind.DEVICE_OFFLINE
    assert (await reach(shell, "echo again")).strip() == "again"


async def reach(shell: Shell, line: str) -> str:
    await shell.connect()
    return await shell.output_of(line)


async def reach_at_last(shell: Shell, line: str) -> str:
    """Retry until the device is reached: adb's server takes a moment to notice that a phone is well again."""
    while True:
        try:
            return await reach(shell, line)
        except DeviceFailed:
            await asyncio.sleep(0.05)


@pytest.mark.skipif(NO_PHONE is not None, reason=str(NO_PHONE))
@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        pytest.param(
            DeviceFault.OFFLINE, FailureKind.DEVICE_OFFLINE, "offline|did not", marks=pytest.mark.slow
        ),
        (DeviceFault.UNAUTHORISED, FailureKind.DEVICE_UNAUTHORIZED, "unauthorized"),
        (DeviceFault.DIE, FailureKind.DEVICE_OFFLINE, "not found|offline"),
    ],
)
async def test_what_keeps_a_phone_from_answering_is_told_apart(
    server: AdbServer, tmp_path: Path, fault: DeviceFault, kind: FailureKind, words: str
) -> None:
    with Phone.start(tmp_path / "phone") as struck:
        server.connect(struck)
        struck.order(DeviceRule("echo struck", fault))
        shell = shell_to(struck, tmp_path, server)
        with pytest.raises(DeviceFailed):
            await reach(shell, "echo struck")
        with pytest.raises(DeviceFailed, match=words) as failed:
            await reach(shell, "echo again")
        assert failed.value.kind is kind
        struck.reboot() if fault is DeviceFault.DIE else struck.recover()
        assert (await reach_at_last(shell, "echo well")).strip() == "well"
        server.adb("disconnect", struck.serial)


# What a device says unprompted

GREETINGS = [
    "12\n",
    "Welcome to board-7, 3 users\r\n\r\n",
    "no line end",
    "\x1b[31mMOTD\x1b[0m\n\0\xff",
    "__qhas_exit=3\n__qhas-00-exit=0\n",
    "x" * 100_000,
]


@pytest.fixture(params=GREETINGS, ids=["number", "motd", "no line end", "control", "mark-like", "long"])
def talkative(
    request: pytest.FixtureRequest, devices: dict[str, Phone | Board], short: Path
) -> Iterator[Shell]:
    """A board whose profile prints something on both streams before every command."""
    if "board" not in devices:
        pytest.skip(str(NO_BOARD))
    board = devices["board"]
    assert isinstance(board, Board)
    board.greet(request.param)
    yield shell_to(board, short, None)
    board.greet(None)


async def test_an_answer_is_what_the_command_said_and_no_banner(talkative: Shell) -> None:
    answer = await talkative.ask("echo out; echo err >&2; exit_code() { return 7; }; exit_code")
    assert (answer.text, answer.errors, answer.exit_code) == ("out\n", "err", 7)
    assert await talkative.output_of("true") == ""


async def test_a_file_behind_a_banner_goes_there_and_back_whole(talkative: Shell, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(content := bytes(range(256)) * 9000)
    await talkative.push(source, "/opt/qhas/behind")
    await talkative.pull("/opt/qhas/behind", back, len(content))
    assert back.read_bytes() == content


async def test_the_output_of_a_tool_holds_no_banner(talkative: Shell, tmp_path: Path) -> None:
    run = await talkative.run(
        "printf abc; exit_code() { return 4; }; exit_code", output=tmp_path / "log", timeout_seconds=20
    )
    assert (run.exit_code, (tmp_path / "log").read_bytes()) == (4, b"abc")
