"""A job is a fork of its tool that does nothing after the job, whatever its outputs are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys, types
from pathlib import Path
from hostsdk.child import run_job
from hostsdk.errors import ToolError

def work(request, reply):
    print("said", end="")
    {work}

sys.modules["hostsdk.native.fake"] = types.SimpleNamespace(fake=work)
{before}
here = Path(sys.argv[1])
try:
    end = run_job("fake", {{"number": 7}}, here)["number"]
except ToolError as error:
    end = error.message
except BaseException as error:
    end = repr(error)
with (here / "ends").open("a") as ends:
    ends.write(f"{{end}}\\n")
"""
ANSWERS = "reply.result(number=request['number'])"


def ends(folder: Path, work: str = ANSWERS, before: str = "") -> list[str]:
    """Run a tool with the job; return how it ended, from every process that reached the end of the script."""
    script = SCRIPT.format(work=work, before=before)
    subprocess.run(
        [sys.executable, "-E", "-c", script, str(folder)], check=True, capture_output=True, timeout=600
    )
    return (folder / "ends").read_text().splitlines()


def test_an_answer_comes_and_what_is_printed_goes_to_the_log(tmp_path: Path) -> None:
    assert ends(tmp_path) == ["7"]
    assert (tmp_path / "native.log").read_text() == "said"


@pytest.mark.parametrize("work", [ANSWERS, "raise OSError('no')", "sys.exit(0)"])
def test_a_job_whose_log_takes_nothing_is_over_all_the_same(tmp_path: Path, work: str) -> None:
    (tmp_path / "native.log").symlink_to("/dev/full")
    (end,) = ends(tmp_path, work)
    assert "native fake process ended" in end


@pytest.mark.parametrize(
    "closed", ["sys.stdout = None", "sys.stderr = None", "sys.stdout = sys.stderr = None"]
)
def test_a_tool_without_outputs_has_its_answer(tmp_path: Path, closed: str) -> None:
    assert ends(tmp_path, before=closed) == ["7"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_tool_whose_outputs_were_closed_has_its_answer(tmp_path: Path, closed: str) -> None:
    script = SCRIPT.format(
        work=ANSWERS, before="from hostsdk.tools.command import run; run(lambda _: print('x'), [])"
    )
    command = ["sh", "-c", f'exec "$0" -E -c "$1" "$2" {closed}', sys.executable, script, str(tmp_path)]
    subprocess.run(command, check=True, timeout=600)
    assert (tmp_path / "ends").read_text() == "7\n"
    assert (tmp_path / "native.log").read_text() in ("said", "")  # with its output closed, nothing is printed


def test_a_signal_that_waits_while_the_tool_is_copied_ends_the_copy_as_a_signal(tmp_path: Path) -> None:
    handled = "import os, signal; signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit))"
    (end,) = ends(tmp_path, "import os; os.kill(os.getpid(), 15)", handled)
    assert "signal 15" in end
