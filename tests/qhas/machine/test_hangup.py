"""A hang-up ends a run as Ctrl-C does, however the run was started."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

RUN = """
import asyncio, signal
from qhas.machine.hangup import hangup_interrupts

async def run():
    try:
        print("runs", flush=True)
        await asyncio.sleep(1000)
    finally:
        print("tidied", flush=True)

before = signal.getsignal(signal.SIGINT)
try:
    with hangup_interrupts():
        asyncio.run(run())
except KeyboardInterrupt:
    assert signal.getsignal(signal.SIGINT) is before
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("started", ["", "trap '' INT QUIT; "], ids=["by hand", "by a script with &"])
def test_a_hangup_is_ctrl_c(started: str) -> None:
    command = ["/bin/sh", "-c", f'{started}exec "$0" "$@"', sys.executable, "-c", RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "runs\n"
        running.send_signal(signal.SIGHUP)
        assert running.communicate()[0] == "tidied\ninterrupted\n"


def test_who_asked_that_it_be_ignored_has_it_so() -> None:
    command = ["/bin/sh", "-c", 'trap \'\' HUP; exec "$0" "$@"', sys.executable, "-c", RUN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "runs\n"
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGINT)
        assert running.communicate()[0] == "tidied\ninterrupted\n"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_has_to_tidy_up_does_so_whoever_ends_it(number: signal.Signals) -> None:
    run = RUN.replace("hangup_interrupts", "end_interrupts")
    with subprocess.Popen([sys.executable, "-c", run], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline() == "runs\n"
        running.send_signal(number)
        assert running.communicate()[0] == "tidied\ninterrupted\n"
