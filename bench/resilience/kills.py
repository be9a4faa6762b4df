"""`python -m bench resilience`: what a sweep loses when killed repeatedly, and whether anything is wrong afterwards.

One Prefect server and one run id. Every kill is a SIGKILL to the sweep's process group; the next sweep resumes at once.
After every kill the store is read from outside: every file of every manifest, completely.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.failure import BenchFailed
from bench.resilience import stopping
from bench.resilience.killing import Outcome, kill_and_resume
from bench.resilience.lab import SOCS, SweepLab, build_lab
from bench.resilience.server import PrefectServer
from bench.resilience.stopping import Stopped, stop_and_take_over, why_no_second_host
from bench.size import Size
from fakes.sdk import Tool, read_calls

_SIZES = {Size.QUICK: (3, 3), Size.NORMAL: (24, 25), Size.FULL: (24, 100)}
"""Numbers of networks, on four SoCs each, and of kills."""
_STOPS = {Size.QUICK: 1, Size.NORMAL: 2, Size.FULL: 5}
"""Number of sweeps that are stopped while a second host takes over their run."""
_SEED = 20


def measure(folder: Path, size: Size, console: Console) -> dict[str, Any]:
    """Kill, resume and count. Raises BenchFailed if a cell is not complete in the end, or a promise was broken."""
    networks, kills = _SIZES[size]
    with PrefectServer(folder) as server:
        lab = build_lab(folder, networks, server.environment)
        outcome = kill_and_resume(lab, kills, _SEED)
        found = _figures(lab, outcome) | {"flow_runs_still_running": server.flow_runs("RUNNING")}
        found |= _stops(folder, networks, _STOPS[size], server.environment)
    _require_whole(lab, outcome)
    console.print(_table(found))
    return found


def _stops(folder: Path, networks: int, count: int, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what became of the stopped sweeps, or why this machine cannot test that."""
    if reason := why_no_second_host():
        return {"no_second_host": reason}
    stops = list[Stopped]()
    for number in range(count):
        (place := folder / f"stop-{number}").mkdir()
        stops.append(stop_and_take_over(place, networks, environment))
    return stopping.figures(stops, networks * len(SOCS))


def _figures(lab: SweepLab, outcome: Outcome) -> dict[str, Any]:
    kills = outcome.kills
    ends = {call.pid: call.end for call in read_calls(lab.sdk)}
    lived_on = [
        max(0.0, end - kill.moment)
        for kill in kills
        for pid in kill.tools_alive
        if (end := ends.get(pid)) is not None
    ]
    return {
        "cells": len(lab.cells),
        "kills": len(kills),
        "seconds": round(outcome.seconds, 1),
        "complete_at_kill": [len(kill.reading.complete) for kill in kills],
        "in_flight": [len(kill.in_flight) for kill in kills],
        "lost": [len(kill.lost) for kill in kills],
        "lost_after_net_run": sum("net_run" in cell.ran for kill in kills for cell in kill.lost),
        "artifacts_read": sum(kill.reading.artifacts for kill in kills) + outcome.end.artifacts,
        "broken": [promise for kill in kills for promise in kill.reading.broken] + outcome.end.broken,
        "calls": {tool.value: len(read_calls(lab.sdk, tool)) for tool in (Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER)},
        "tools_that_lived_on": sum(len(kill.tools_alive) for kill in kills),
        "lived_on_seconds": [round(seconds, 3) for seconds in lived_on],
        "leases_held": sum(state.holder is not None or bool(state.waiting) for state in lab.leases()),
        "scratch_left": len(lab.left_scratch()),
        "scratch_left_bytes": sum(path.stat().st_size for path in lab.scratch.rglob("*") if path.is_file()),
    }  # fmt: skip


def _require_whole(lab: SweepLab, outcome: Outcome) -> None:
    wrong = outcome.end.broken + [promise for kill in outcome.kills for promise in kill.reading.broken]
    if wrong:
        raise BenchFailed(f"the store shows something untrue: {wrong[0]}")
    if absent := set(lab.cells) - outcome.end.complete.keys():
        raise BenchFailed(f"{len(absent)} cells are not complete, one of them {min(absent)}")


def _table(found: dict[str, Any]) -> Table:
    table = Table(
        "figure", "value", title=f"{found['cells']} cells on {len(SOCS)} SoCs, killed {found['kills']} times"
    )
    rows = {
        "cells in flight at a kill": _spread(found["in_flight"]),
        "of them without a record: to be done again": _spread(found["lost"]),
        "the same, all kills": str(sum(found["lost"])),
        "of these, whose net-run had begun": str(found["lost_after_net_run"]),
        "calls of graph-prepare, net-run, viewer": " / ".join(map(str, found["calls"].values())),
        "files read and digested": str(found["artifacts_read"]),
        "broken promises": str(len(found["broken"])),
        "tools alive after a kill, all kills": str(found["tools_that_lived_on"]),
        "they lived on, s": _spread(found["lived_on_seconds"]),
        "leases held in the end": str(found["leases_held"]),
        "scratch directories left, bytes": f"{found['scratch_left']}, {found['scratch_left_bytes']}",
        "flow runs that Prefect believes to run": str(found["flow_runs_still_running"]),
        "seconds, all starts included": str(found["seconds"]),
    }
    if reason := found.get("no_second_host"):
        rows["stopped while a second host took over"] = reason
    else:
        rows |= {
            "stopped while a second host took over": str(found["stops"]),
            "cells complete / in flight at a stop": f"{_spread(found['complete_at_stop'])}, "
            f"{_spread(found['in_flight_at_stop'])}",
            "s from the stop to the end on the second host": _spread(found["seconds_to_the_end_elsewhere"]),
            "records changed by the stopped one, files read": f"{found['records_changed_by_the_stopped']}, "
            f"{found['files_read']}",
        }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _spread(values: Sequence[float]) -> str:
    """Format minimum/median/maximum."""
    return f"{min(values):g}/{median(values):g}/{max(values):g}" if values else "none"
