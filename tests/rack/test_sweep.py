"""Whole sweeps over racks: the real flow on a real Prefect server, the real adb and ssh, the fake SDK's tools."""

from __future__ import annotations

import asyncio
import time

import pytest

from fakes.devices import DeviceFault, DeviceRule
from fakes.sdk import Fault, Rule, Tool, order, read_calls
from flows.sweep import sweep
from qhas.failures import FailureKind, Step
from qhas.runs.record import CellRecord, CellStatus, Origin, SweepRecord, SweepState
from qhas.runs.stored import load_run
from tests.rack.conftest import RackOf
from tests.rack.rack import FREED_SECONDS, NET_RUN, Rack, jobs, overlaps, pushes, runs, until

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]
QUICK = {"repetitions": 4, "warmups": 1}


async def run(rack: Rack, *networks: str, **changes: object) -> tuple[SweepRecord, list[CellRecord]]:
    """Run the rack's sweep to its end; return what it stored."""
    spec = rack.spec(*networks, **{"run": QUICK, **changes})
    await sweep(spec, site=str(rack.site_file), run_id="one", return_state=True)
    return load_run(rack.store, "one")


async def test_a_sweep_over_a_phone_and_a_board_measures_every_cell(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750", board="qcs9100")
    record, cells = await run(rack, "alpha", "beta")
    assert (record.state, len(cells)) == (SweepState.COMPLETE, 4)
    for cell in cells:
        assert (cell.status, cell.origin) == (CellStatus.COMPLETE, Origin.DEVICE)
        assert cell.device
        assert cell.device.name == {"sm8750": "phone", "qcs9100": "board"}[cell.cell.soc]
        assert cell.latency
        assert len(cell.latency.samples_us) == 4
        assert cell.health
        assert cell.health.after
        assert {"chrometrace", "qhas", "log", "schematic"} <= {artifact.name for artifact in cell.artifacts}
    for device in rack.devices.values():
        assert len(runs(device)) == 4
        assert not overlaps(list(jobs(device).values()))
        pushed = [command.service for command in pushes(device, "/sdk/")]
        assert len(pushed) == len(set(pushed)) > 0
    rack.require_clean()


@pytest.mark.slow
async def test_faults_of_devices_and_tools_cost_their_own_cells_only(rack_of: RackOf) -> None:
    rack = rack_of(one="sm8750", other="sm8750")
    order(
        rack.sdk,
        Rule(Tool.NET_RUN, Fault.SEGFAULT, model="crashes"),
        Rule(Tool.NET_RUN, Fault.NO_LOG, model="forgets", times=1),
    )
    for phone in rack.devices.values():
        phone.order(DeviceRule(NET_RUN, DeviceFault.DROP, after_seconds=0.05))
    record, cells = await run(rack, "crashes", "forgets", "plain", run={"repetitions": 0})
    by_name = {cell.cell.model.name: cell for cell in cells}
    assert (record.state, record.failed) == (SweepState.PARTIAL, 1)
    failure = by_name["crashes"].failure
    assert failure
    assert (failure.kind, failure.step) == (FailureKind.TOOL_CRASHED, Step.NET_RUN)
    assert {by_name[name].status for name in ("forgets", "plain")} == {CellStatus.COMPLETE}
    lost = [a for c in cells for a in c.attempts if a.failure is FailureKind.DEVICE_OFFLINE]
    assert len(lost) == 2
    rack.require_clean()


@pytest.mark.slow
async def test_cancelling_the_flow_frees_the_device_within_five_seconds(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750", board="qcs9100")
    order(rack.sdk, Rule(Tool.NET_RUN, Fault.HANG_DEAF))
    running = asyncio.create_task(run(rack, "alpha"))
    # Trying out a tool on a device is also a call, but has no container.
    while len([call for call in read_calls(rack.sdk, Tool.NET_RUN) if call.option("container")]) < 2:
        await asyncio.sleep(0.05)
    cancelled = time.time()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    until(lambda: not rack.leftovers(), FREED_SECONDS, rack.leftovers)
    for device in rack.devices.values():
        (tool,) = runs(device)
        assert tool.end
        assert tool.end - cancelled < FREED_SECONDS
    assert load_run(rack.store, "one")[0].state is SweepState.CANCELLED
