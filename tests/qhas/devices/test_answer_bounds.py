"""An answer that floods is cut off, not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.devices.marks import Marks
from qhas.devices.shell import LARGEST_ANSWER
from qhas.failures import DeviceFailed, FailureKind
from tests.qhas.devices.test_client_environment import LocalShell

FLOOD = f"head -c {LARGEST_ANSWER + 1} /dev/zero"


@pytest.mark.parametrize("line", [FLOOD, f"{FLOOD} >&2", f"{FLOOD}; sleep 600", f"{FLOOD} >&2; sleep 600"])
async def test_an_answer_over_the_limit_is_refused_in_one_sentence(line: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceFailed, match="here answered with more than 16 MB") as failed:
        await LocalShell("here", tmp_path, 300).ask(line)
    assert failed.value.kind is FailureKind.DEVICE_UNFIT
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240  # a test waits for nothing else


async def test_a_long_answer_within_the_limit_is_read(tmp_path: Path) -> None:
    answer = await LocalShell("here", tmp_path, 300).ask("head -c 1000000 /dev/zero | tr '\\0' x")
    assert len(answer.text) == 1_000_000


async def test_the_output_of_a_tool_is_a_file_of_any_size(tmp_path: Path) -> None:
    run = await LocalShell("here", tmp_path, 300).run(FLOOD, output=tmp_path / "output", timeout_seconds=300)
    assert run.exit_code == 0
    assert (tmp_path / "output").stat().st_size == LARGEST_ANSWER + 1


class SendingShell(LocalShell):
    """A device that sends a command's standard output in place of any file."""

    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        await self.run(source, output=target, timeout_seconds=seconds)


async def test_a_file_that_is_longer_than_its_device_said_is_not_brought_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(DeviceFailed, match="here sends more of zero than the 5 bytes") as failed:
        await SendingShell("here", tmp_path, 300).pull("cat /dev/zero", tmp_path / "file", 5)
    assert failed.value.kind is FailureKind.DEVICE_UNFIT


@pytest.mark.parametrize("code", ["9" * 5000, "1234", "²", ""])
def test_an_exit_code_that_is_none_is_not_read(code: str) -> None:
    marks = Marks()
    word = marks.around("true").rpartition("echo ")[2].partition("=")[0]
    assert marks.exit_code(f"{word}=3\n".encode()) == 3
    assert marks.exit_code(f"{word}={code}\n".encode()) is None
