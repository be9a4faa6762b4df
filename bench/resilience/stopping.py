"""A sweep that is stopped (SIGSTOP, like a paused VM) while a second host takes over its run, and then continues.

The second host is a process with its own PIDs, host name and leases; only the store is shared. What it stored must
not change, whatever the stopped sweep still tries to store.
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
    """A stop: cells complete at that moment, cells in flight, how both sweeps finished, and the store afterwards."""

    complete: int
    in_flight: int
    seconds: float
    """From the stop to the end of the run on the second host."""
    exit_codes: tuple[int, int]
    """Those of the second host's sweep, and of the stopped one after it continued."""
    changed: int
    """Records that differ after the stopped one continued and finished."""
    reading: Reading


def why_no_second_host() -> str | None:
    """Return a sentence saying why this machine cannot act as a second host, or None if it can."""
    try:
        probe = subprocess.run([*_OTHER_HOST, *_NAMED, "true"], capture_output=True, text=True, timeout=10)
    except OSError as error:
        return f"a second host needs unshare: {error}"
    return (
        f"PID and host name namespaces are not available here: {probe.stderr.strip()}"
        if probe.returncode
        else None
    )


def stop_and_take_over(folder: Path, networks: int, environment: Mapping[str, str]) -> Stopped:
    """Stop a sweep partway, let a second host finish the run, then let the stopped one continue."""
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
    """Return the figures of all stops.

    Raises BenchFailed if a cell is missing, changed or broken in the end, if the second host failed, or if the
    stopped sweep ended successfully.
    """
    for stop in stops:
        if stop.exit_codes[0]:
            raise BenchFailed(f"the second host's sweep ended with exit code {stop.exit_codes[0]}")
        if stop.reading.broken or stop.changed or len(stop.reading.complete) != cells:
            raise BenchFailed(f"{stop.changed} records changed after a stopped sweep resumed")
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
