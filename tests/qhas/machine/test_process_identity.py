"""A process is distinguished from a later one with its number and from those of other machines and containers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from qhas.machine.process_identity import ProcessIdentity, names_of_this_host, this_process

TELL = "from qhas.machine.process_identity import this_process; print(this_process().model_dump_json())"


def identity_of_a_process_that_ended() -> ProcessIdentity:
    told = subprocess.run(
        [sys.executable, "-c", TELL], capture_output=True, text=True, check=True, timeout=900
    )
    return ProcessIdentity.model_validate_json(told.stdout)


def mine() -> ProcessIdentity:
    found = this_process()
    assert found is not None
    return found


def test_a_process_that_runs_has_not_ended() -> None:
    assert mine() == mine()
    assert mine().is_visible()
    assert not mine().has_ended()


def test_a_process_that_ended_is_known_to_have() -> None:
    assert identity_of_a_process_that_ended().has_ended()


def test_another_process_of_the_same_number_is_another_one() -> None:
    assert mine().model_copy(update={"started": mine().started - 1}).has_ended()


def test_a_process_that_nobody_has_asked_for_its_exit_code_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        while f"{child.pid} (" in (text := Path(f"/proc/{child.pid}/stat").read_text()) and ") Z" not in text:
            time.sleep(0.01)
        started = int(text.rpartition(")")[2].split()[19])
        assert ProcessIdentity(place=mine().place, pid=child.pid, started=started).has_ended()


def test_of_a_process_elsewhere_nothing_is_known() -> None:
    for place in ("", "another boot pid:[4026531836]"):
        elsewhere = identity_of_a_process_that_ended().model_copy(update={"place": place})
        assert not elsewhere.is_visible()
        assert not elsewhere.has_ended()


def test_a_process_of_another_user_is_alive() -> None:
    first = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
    assert not ProcessIdentity(place=mine().place, pid=1, started=int(first[19])).has_ended()


def test_a_host_has_a_name_and_a_boot() -> None:
    assert os.uname().nodename in names_of_this_host()
    assert len(names_of_this_host()) == 2
