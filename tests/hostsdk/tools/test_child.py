"""A crash of the child process is one error line, and the child never outlives the tool."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostsdk import layout

pytestmark = pytest.mark.hostsdk


def wait_for(condition, seconds: float = 600):
    """Return the first true value of `condition()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def child_of(pid: int) -> int | None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


@pytest.fixture
def running(prepared, input_list, tmp_path) -> Iterator[subprocess.Popen[str]]:
    """A net-run that would take a minute, while it runs its inferences."""
    tool = layout.sdk().root / "bin" / layout.TARGET / "snpe-net-run"
    arguments = [
        "--use_dsp",
        "--container",
        prepared / "cached.dlc",
        "--input_list",
        input_list,
        "--duration",
        "60",
    ]
    with subprocess.Popen(
        [tool, *arguments], cwd=tmp_path, env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: list(tmp_path.glob("output/.hostsdk-*/results/Result_1/*.raw")))
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_one_error_line_that_names_the_signal(running, tmp_path, number):
    os.kill(child_of(running.pid), number)
    _, errors = running.communicate(timeout=600)
    assert running.returncode == 1
    assert errors.startswith("error_code=911;")
    assert errors.count("\n") == 1
    assert f"process ended with signal {number:d} ({number.name}) and no answer" in errors
    assert list((tmp_path / "output").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_takes_the_child_along_and_leaves_nothing_behind(running, tmp_path, number):
    child = child_of(running.pid)
    running.send_signal(number)
    running.communicate(timeout=600)
    assert running.returncode == -number
    assert gone(child)
    assert list((tmp_path / "output").iterdir()) == []


def test_even_a_killed_tool_leaves_no_orphan(running):
    child = child_of(running.pid)
    running.kill()
    running.wait(timeout=600)
    wait_for(lambda: gone(child))
