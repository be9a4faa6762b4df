"""Several processes and one rack: which holds which device when, and what a process leaves when it is stopped early.

All times on a device come from the device's own journal.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.sdk import Call, Fault, Rule, Tool, order, read_calls
from qhas.devices.lease import Leases
from qhas.runs.record import CellRecord, SweepState
from qhas.runs.stored import read_run
from qhas.sweep.spec import Cell
from tests.rack.conftest import RackOf
from tests.rack.rack import FREED_SECONDS, Rack, jobs, leases_of, overlaps, runs, until

QHAS = Path(sys.executable).parent / "qhas"
ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start processes that end with the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(*argv: str) -> subprocess.Popen[str]:
        with (tmp_path / f"process-{len(started)}.txt").open("w") as said:
            process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def drive(start: Start, rack: Rack, run_id: str, *cells: Cell) -> subprocess.Popen[str]:
    """Start a process that runs cells on the rack: all at once, as far as the devices allow."""
    listing = rack.folder / f"{run_id}.json"
    listing.write_text(json.dumps([cell.model_dump(mode="json") for cell in cells]))
    return start(sys.executable, "-m", "tests.rack.drive", str(rack.site_file), run_id, str(listing))


def records(process: subprocess.Popen[str]) -> list[CellRecord]:
    """Wait for a process to succeed; return the records it printed."""
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    return [CellRecord.model_validate_json(line) for line in said.splitlines()]


def hangs(rack: Rack, count: int = 1) -> list[Call]:
    """Wait until `count` tools hang on devices; return their calls."""
    calls: list[Call] = []

    def some() -> bool:
        calls[:] = [call for call in read_calls(rack.sdk, Tool.NET_RUN) if call.under_way]
        return len(calls) >= count and all(time.time() - call.start > 0.3 for call in calls)

    until(some, 600)
    return calls


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Leases


@pytest.mark.slow
async def test_two_sweeps_and_a_profile_share_three_devices_one_job_at_a_time(
    rack_of: RackOf, start: Start
) -> None:
    rack = rack_of(one="sm8750", other="sm8750", board="qcs9100")
    order(rack.sdk, durations={Tool.NET_RUN: 0.2})
    cells = [rack.cell(name, soc) for name in ("alpha", "beta") for soc in ("sm8750", "qcs9100")]
    sweeps = [drive(start, rack, run_id, *cells) for run_id in ("nightly", "branch")]
    until(lambda: sum(len(runs(device)) for device in rack.devices.values()) >= 2, 600)
    done = await rack.run(rack.cell("gamma"), run_id="profile")
    for process in sweeps:
        done += await asyncio.to_thread(records, process)
    assert [record.failure for record in done] == [None] * 9
    for name, device in rack.devices.items():
        assert not overlaps(list(jobs(device).values()))
        cells_here = sum(bool(r.device and r.device.name == name) for r in done)
        assert len(runs(device)) == cells_here
    rack.require_clean()


async def test_a_killed_process_frees_its_phone_and_its_tool_ends_before_the_next_job(
    rack_of: RackOf, start: Start
) -> None:
    rack = rack_of(phone="sm8750")
    phone = rack.devices["phone"]
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF, model="hangs"))
    doomed = drive(start, rack, "doomed", rack.cell("hangs"))
    (tool,) = hangs(rack)
    heir = asyncio.create_task(rack.run(rack.cell("plain"), run_id="heir"))
    while not waits(rack, "phone", "heir"):
        await asyncio.sleep(0.02)
    (running,) = runs(phone)
    doomed.kill()
    killed = time.time()
    (record,) = await heir
    assert record.failure is None
    heir_begins = next(c for c in phone.commands() if "qhas-reaper" in c.service and c.start > killed)
    print(f"freed after {heir_begins.start - killed:.3f} s")
    assert heir_begins.start - killed < FREED_SECONDS
    ended, its_run = runs(phone)
    assert ended.service == running.service
    assert ended.end is not None
    print(f"tool ended after {ended.end - killed:.3f} s")
    assert ended.end < its_run.start
    assert not alive(tool.pid)
    assert not overlaps(list(jobs(phone).values())[1:])
    rack.require_clean()


def waits(rack: Rack, name: str, run_id: str) -> bool:
    (state,) = Leases(leases_of(rack.folder)).states([rack.address(name)])
    return any(holder.run_id == run_id for holder in state.waiting)


@pytest.mark.slow
@pytest.mark.parametrize("device", ["phone", "board"])
def test_the_tool_of_a_killed_process_ends_by_itself(rack_of: RackOf, start: Start, device: str) -> None:
    soc = {"phone": "sm8750", "board": "qcs9100"}[device]
    rack = rack_of(**{device: soc})
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF))
    doomed = drive(start, rack, "doomed", rack.cell("hangs", soc))
    (tool,) = hangs(rack)
    doomed.kill()
    killed = time.time()
    until(lambda: not alive(tool.pid), FREED_SECONDS)
    until(lambda: not rack.devices[device].processes(), FREED_SECONDS)
    print(f"tool gone after {time.time() - killed:.3f} s")
    (state,) = Leases(leases_of(rack.folder)).states([rack.address(device)])
    assert state.holder is None


# Cancellation


def assert_freed(rack: Rack, stopped: float) -> None:
    """Check that the tools on the devices have ended in time, the jobs are gone and no lease is held."""
    until(lambda: not rack.leftovers(), FREED_SECONDS, rack.leftovers)
    freed = time.time()
    for device in rack.devices.values():
        for tool in runs(device):
            assert tool.end is not None
            assert tool.end - stopped < FREED_SECONDS
        (reaped,) = [c for c in device.commands() if "qhas-reaper" in c.service and c.start > stopped]
        assert reaped.end is not None
        assert reaped.end - stopped < FREED_SECONDS
        print(
            f"{device.pid}: reaped after {reaped.end - stopped:.3f} s, all free after {freed - stopped:.3f} s"
        )


@pytest.mark.slow
def test_ctrl_c_while_tools_hang_frees_phone_and_board_within_five_seconds(
    rack_of: RackOf, start: Start
) -> None:
    rack = rack_of(phone="sm8750", board="qcs9100")
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF))
    running = drive(start, rack, "run", rack.cell("net", "sm8750"), rack.cell("net", "qcs9100"))
    calls = hangs(rack, 2)
    stopped = time.time()
    running.send_signal(signal.SIGINT)
    assert_freed(rack, stopped)
    assert not [call for call in calls if alive(call.pid)]
    running.wait(600)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.xdist_group("server")
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ids=["Ctrl-C", "as Prefect cancels", "terminal closed"],
)
def test_stopping_the_command_while_tools_hang_frees_the_rack_within_five_seconds(
    rack_of: RackOf, start: Start, number: signal.Signals
) -> None:
    rack = rack_of(phone="sm8750", board="qcs9100")
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF))
    sweep = rack.folder / "sweep.yaml"
    sweep.write_text(rack.spec("net", run={"repetitions": 0}).model_dump_json())
    running = start(str(QHAS), "sweep", str(sweep), "--site", str(rack.site_file), "--run-id", "one")
    hangs(rack, 2)
    stopped = time.time()
    running.send_signal(number)
    assert_freed(rack, stopped)
    running.wait(600)
    assert running.returncode == 130
    record = read_run(rack.store, "one")
    assert record
    assert record.state is SweepState.CANCELLED
    order(rack.sdk)
    again = start(str(QHAS), "sweep", str(sweep), "--site", str(rack.site_file), "--run-id", "one")
    said, _ = again.communicate(timeout=900)
    assert again.returncode == 0, said
    rack.require_clean()
