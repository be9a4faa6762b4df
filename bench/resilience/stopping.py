"""A sweep that is stopped (SIGSTOP, as a paused VM is) while a second host takes its run over, and goes on afterwards.

The second host is a process with PIDs, a host name and leases of its own; only the store is shared. What it stored must
stand whatever the stopped one still wants to store.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from bench.resilience.killing import RUN
from bench.resilience.lab import build_lab, ended_with_us
from bench.resilience.reader import Folder, Reading, read_run

_OTHER_HOST = (
    "unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
    "--uts",
    "--mount-proc",
)
_NAMED = ("sh", "-c", 'hostname lab-2 && exec "$@"', "sh")
_LOOK_SECONDS = 0.02
_END_SECONDS = 600.0


@dataclass(frozen=True)
class Stopped:
    """A stop: cells that were complete at it, those in flight, how both sweeps ended, and what the store showed then."""

    complete: int
    in_flight: int
    seconds: float
    """From the stop to the end of the run on the second host."""
    exit_codes: tuple[int, int]
    """Of the second host's sweep, and of the stopped one after it went on."""
    changed: int
    """Records that differ after the stopped one went on and ended."""
    reading: Reading


def why_no_second_host() -> str | None:
    """Why this machine cannot play another host, in a sentence; None if it can."""
    try:
        probe = subprocess.run([*_OTHER_HOST, *_NAMED, "true"], capture_output=True, text=True, timeout=10)
    except OSError as error:
        return f"a second host needs unshare: {error}"
    return f"no namespaces of PIDs and host names here: {probe.stderr.strip()}" if probe.returncode else None


def stop_and_take_over(folder: Path, networks: int, environment: Mapping[str, str]) -> Stopped:
    """Stop a sweep in its middle, let a second host finish the run, then let the stopped one go on."""
    here = build_lab(folder, networks, environment)
    (leases := folder / "leases-2").mkdir()
    (scratch := folder / "scratch-2").mkdir()
    variables = {"TMPDIR": str(scratch), "QHAS_LEASES": str(leases)}
    there = replace(here, entrance=(*_OTHER_HOST, *_NAMED), environment={**here.environment, **variables})
    objects = Folder(folder / "store")
    with ended_with_us(here.start(RUN)) as stopped:
        while len(read_run(objects, RUN).complete) < len(here.cells) // 3:
            if stopped.poll() is not None:
                raise BenchFailed(f"the sweep ended before it was stopped: {here.said(RUN).strip()[-300:]}")
            time.sleep(_LOOK_SECONDS)
        os.killpg(stopped.pid, signal.SIGSTOP)
        began, complete = time.monotonic(), len(read_run(objects, RUN).complete)
        in_flight = sum(1 for each in here.left_scratch() for _ in each.glob("cell-*"))
        second = there.run(RUN, _END_SECONDS)
        seconds, before = time.monotonic() - began, read_run(objects, RUN)
        os.killpg(stopped.pid, signal.SIGCONT)
        first = stopped.wait(_END_SECONDS)
    after = read_run(objects, RUN)
    changed = sum(before.complete.get(cell) != digest for cell, digest in after.complete.items())
    return Stopped(complete, in_flight, seconds, (second, first), changed, after)


def figures(stops: list[Stopped], cells: int) -> dict[str, Any]:
    """Of all stops. Raises BenchFailed if a cell is missing, changed or broken in the end, or the second host failed."""
    for stop in stops:
        if stop.exit_codes[0]:
            raise BenchFailed(f"the second host's sweep ended with exit code {stop.exit_codes[0]}")
        if stop.reading.broken or stop.changed or len(stop.reading.complete) != cells:
            raise BenchFailed(f"{stop.changed} records are others after a stopped sweep went on")
        if not stop.exit_codes[1]:
            raise BenchFailed("a stopped sweep ended as if the run were still its own")
    return {
        "stops": len(stops),
        "complete_at_stop": [stop.complete for stop in stops],
        "in_flight_at_stop": [stop.in_flight for stop in stops],
        "seconds_to_the_end_elsewhere": [round(stop.seconds, 1) for stop in stops],
        "records_changed_by_the_stopped": sum(stop.changed for stop in stops),
        "files_read": sum(stop.reading.artifacts for stop in stops),
    }
