"""What dies in the middle of a sweep, and what then remains of it, as docs/operations.md says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from signal import SIGINT, SIGKILL, SIGTERM

import pytest

from bench.resilience.reader import Reading, read_run
from fakes.sdk import Fault, Rule, Tool, order, read_calls
from infra.stack.processes import Process
from infra.stack.start import start_parts
from tests.infra.files import INFRA
from tests.stack.conftest import NETWORKS, SOCS, Running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]
CELLS = sorted(f"{network}/{soc}/default" for network in NETWORKS for soc in SOCS)
AWAY_SECONDS = 20


class Sweep:
    """A sweep under way on the stack: alpha's cells end, beta's hang in net-run until released."""

    def __init__(self, running: Running) -> None:
        self.running, self.run_id = running, f"fault-{uuid.uuid4().hex[:8]}"
        order(running.sdk, Rule(Tool.NET_RUN, Fault.HANG, model="beta"))
        self.began = time.time()
        parameters = {"spec": running.spec(), "run_id": self.run_id, "site": str(running.roomy_site())}
        self.flow_run = running.api.start("sweep", parameters)
        running.api.until(
            lambda: len(self.read().complete) == len(SOCS) and len(self.hanging()) == len(SOCS),
            120,
            "beta's cells",
        )
        self.before = self.read()

    def read(self) -> Reading:
        return read_run(self.running.store, self.run_id)

    def hanging(self) -> list[int]:
        """Return the net-run processes that hang."""
        calls = read_calls(self.running.sdk, Tool.NET_RUN)
        return [call.pid for call in calls if call.under_way and call.start > self.began and alive(call.pid)]

    def let_go(self) -> None:
        """Stop ordering hangs, and kill the tools that already hang."""
        order(self.running.sdk)
        for pid in self.hanging():
            os.kill(pid, SIGKILL)

    def process(self) -> int:
        """Return the process of the flow run."""
        return int(str(self.running.api.flow_run(self.flow_run)["infrastructure_pid"]))

    def finish(self) -> None:
        """Retry the run as a user does, if it did not complete, and check that nothing was lost."""
        ended = self.running.api.ended(self.flow_run)
        if ended["state_type"] != "COMPLETED":
            self.running.api.retry(self.flow_run)
            self.running.api.until(
                lambda: self.running.api.flow_run(self.flow_run)["state_type"] == "COMPLETED",
                240,
                "the retry",
            )
        after = self.read()
        assert sorted(after.complete) == CELLS
        assert after.broken == []
        kept = {cell: after.complete[cell] for cell in self.before.complete}
        assert kept == self.before.complete, "a good cell ran again"


def alive(pid: int) -> bool:
    return Process.of(pid) is not None


@pytest.fixture
def sweep(running: Running) -> Iterator[Sweep]:
    running.revive()
    sweep = Sweep(running)
    yield sweep
    order(running.sdk)
    for pid in sweep.hanging():
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)


def test_a_flow_run_that_is_killed_is_shown_as_crashed_and_goes_on_with_retry(sweep: Sweep) -> None:
    os.kill(sweep.process(), SIGKILL)
    began = time.monotonic()
    ended = sweep.running.api.ended(sweep.flow_run, 60)
    print(f"crashed after {time.monotonic() - began:.1f} s: {ended['state']['message']}")
    assert ended["state_type"] == "CRASHED"
    sweep.let_go()
    # The worker reports a death twice, the second time perhaps during the retry: wait until it has done so.
    sweep.running.api.until(
        lambda: sweep.running.api.events("prefect.worker.executed-flow-run", sweep.flow_run),
        120,
        "the worker's last word of the process",
    )
    sweep.finish()


def test_a_worker_that_is_killed_leaves_its_run_which_ends_by_itself(sweep: Sweep) -> None:
    running = sweep.running
    worker = running.processes.find("worker-default")
    assert worker
    worker.send(SIGKILL)
    running.api.until(lambda: not alive(worker.pid), 30, "the worker's end")
    assert running.api.flow_run(sweep.flow_run)["state_type"] == "RUNNING"
    assert alive(sweep.process())
    start_parts(running.processes, [running.part("worker-default")])
    sweep.let_go()
    sweep.finish()


def test_a_host_that_dies_leaves_a_run_that_another_worker_finishes(sweep: Sweep) -> None:
    running, flow = sweep.running, sweep.process()
    worker = running.processes.find("worker-default")
    assert worker
    worker.send(SIGKILL)
    os.kill(flow, SIGKILL)
    running.api.until(lambda: not alive(worker.pid) and not alive(flow), 30, "the end of both")
    assert running.api.flow_run(sweep.flow_run)["state_type"] == "RUNNING", "nobody is left to tell"
    start_parts(running.processes, [running.part("worker-default")])
    sweep.let_go()
    running.api.retry(sweep.flow_run)
    running.api.until(
        lambda: running.api.flow_run(sweep.flow_run)["state_type"] == "COMPLETED", 240, "the retry"
    )
    sweep.finish()


def test_a_worker_whose_runs_are_ended_before_it_tells_so_and_leaves_no_tool(sweep: Sweep) -> None:
    """The worker's systemd unit, pod and container are stopped in this way."""
    running, hanging, flow = sweep.running, sweep.hanging(), sweep.process()
    worker = running.processes.find("worker-default")
    assert worker
    began = time.monotonic()
    argv = [sys.executable, str(INFRA / "end-flow-runs"), str(worker.pid)]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=900, check=True).stdout
    print(f"{said.strip()} after {time.monotonic() - began:.1f} s")
    assert said == f"worker {worker.pid}: 1 of 1 flow runs ended\n"
    assert running.api.ended(sweep.flow_run, 10)["state_type"] == "CRASHED"
    assert not any(map(alive, [*hanging, flow]))
    running.processes.stop(["worker-default"], SIGTERM, 60)
    start_parts(running.processes, [running.part("worker-default")])
    sweep.let_go()
    sweep.finish()


def test_a_server_that_is_killed_and_comes_back_costs_nothing(sweep: Sweep) -> None:
    running, flow = sweep.running, sweep.process()
    server = running.processes.find("server")
    assert server
    server.send(SIGKILL)
    time.sleep(AWAY_SECONDS)
    assert alive(flow)
    start_parts(running.processes, [running.part("server")])
    sweep.let_go()
    sweep.finish()


def test_a_database_that_is_gone_for_a_while_costs_nothing(sweep: Sweep) -> None:
    running, flow = sweep.running, sweep.process()
    running.processes.stop(["postgresql"], SIGINT, 20)
    time.sleep(AWAY_SECONDS)
    assert alive(flow)
    assert running.processes.find("server")
    start_parts(running.processes, [running.part("postgresql")])
    sweep.let_go()
    sweep.finish()
