"""A sweep killed by SIGKILL at random moments and resumed: nothing is lost, and no finished work is repeated."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from socket import gethostname

import pytest

from bench.resilience.killing import Outcome, calls_by_cell, kill_and_resume
from bench.resilience.lab import SweepLab, build_lab
from bench.resilience.reader import Reading
from bench.resilience.server import PrefectServer
from fakes.sdk import Tool, read_calls
from qhas.runs.sole_runner import sole_runner
from qhas.store import Store
from tests.rack.rack import until

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]
SEED = 20


def require_unharmed(lab: SweepLab, outcome: Outcome, kills: int) -> None:
    """Check everything that must hold after the last sweep of a run that was killed `kills` times."""
    assert len(outcome.kills) == kills
    assert outcome.exit_code == 0, lab.said("killed")
    readings = [*(kill.reading for kill in outcome.kills), outcome.end]
    assert [reading.broken for reading in readings] == [[]] * (kills + 1)
    assert [reading.failed for reading in readings] == [{}] * (kills + 1)
    for before, after in pairwise(readings):
        require_kept(before, after)
    assert sorted(outcome.end.complete) == sorted(lab.cells)
    assert outcome.end.state == "complete"
    require_no_more_than_lost(lab, outcome)
    assert [(state.holder, state.waiting) for state in lab.leases()] == [(None, [])] * 4
    assert lab.left_scratch() == []
    until(lambda: not lab.tools_alive(), 120, lab.tools_alive)


def require_kept(before: Reading, after: Reading) -> None:
    """Check that a cell that was complete keeps its record, so it did not run again."""
    assert {cell: after.complete.get(cell) for cell in before.complete} == before.complete


def require_no_more_than_lost(lab: SweepLab, outcome: Outcome) -> None:
    """Check that tools ran once per cell, and once more for each time its sweep died while the cell was in flight."""
    lost = outcome.lost_by_cell
    for tool in (Tool.PREPARE, Tool.VIEWER):
        calls = calls_by_cell(lab, outcome, tool)
        assert sorted(calls) == sorted(lab.cells)
        assert {cell: n for cell, n in calls.items() if n > 1 + lost[cell]} == {}
    in_vain = sum("net_run" in one.ran for kill in outcome.kills for one in kill.lost)
    assert len(lab.cells) <= len(read_calls(lab.sdk, Tool.NET_RUN)) <= len(lab.cells) + in_vain


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kills", [1, 3])
def test_a_killed_sweep_completes_each_cell_once(
    environment: Mapping[str, str], tmp_path: Path, kills: int
) -> None:
    lab = build_lab(tmp_path, 3, environment)
    require_unharmed(lab, kill_and_resume(lab, kills, SEED), kills)


async def test_a_run_that_another_process_runs_is_refused_and_nothing_is_run(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    lab = build_lab(tmp_path, 1, environment)
    async with sole_runner(Store(str(lab.folder / "store")), "killed"):
        assert await asyncio.to_thread(lab.run, "killed") == 2
    assert f"is being run by {gethostname()} (process {os.getpid()}); wait until it ends" in lab.said(
        "killed"
    )
    assert read_calls(lab.sdk) == []


@pytest.mark.slow
@pytest.mark.timeout(7200)  # 26 sweeps: twenty minutes on two cores shared with others
def test_a_sweep_of_96_cells_killed_25_times_completes_each_cell_once(tmp_path: Path) -> None:
    with PrefectServer(tmp_path) as server:
        lab = build_lab(tmp_path, 24, server.environment)
        require_unharmed(lab, kill_and_resume(lab, 25, SEED), 25)
        assert server.flow_runs("CRASHED") > 0
        # A sweep that died between the flow's start and its first write to the store is unknown to the next one.
        assert server.flow_runs("RUNNING") <= 2
