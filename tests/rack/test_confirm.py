"""A suspicious latency is measured again in the same sweep, on the other phone, before it raises an alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fakes.records import latency
from flows.sweep import sweep
from qhas.history import append, read_history, read_reruns
from qhas.history.reading import Where
from qhas.profile.figures import LATENCY
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import begin_run, load_run
from qhas.site import load_site
from qhas.sweep.plan import plan_sweep
from qhas.sweep.sites import Part
from qhas.verdict import CellVerdict, Verdict
from qhas.verdict.judge import judge_run
from qhas.verdict.stored import read_verdicts
from tests.qhas.nights import WOBBLE
from tests.rack.conftest import RackOf
from tests.rack.rack import PROFILED, TIMED, Rack, runs

pytestmark = [
    pytest.mark.server,
    pytest.mark.xdist_group("server"),
    pytest.mark.usefixtures("prefect_server"),
]


async def night(rack: Rack, run_id: str) -> tuple[SweepRecord, CellRecord, CellVerdict]:
    """Run one sweep of one cell; return the run, the cell and its latency's verdict."""
    spec = rack.spec("alpha", run={"repetitions": 4, "warmups": 1})
    await sweep(spec, site=str(rack.site_file), run_id=run_id, return_state=True)
    run, (cell,) = load_run(rack.store, run_id)
    return run, cell, next(v for v in read_verdicts(rack.store, run_id) if v.metric is LATENCY)


def remember(rack: Rack, run: SweepRecord, cell: CellRecord, factor: float) -> None:
    """Add earlier nights on both phones to the history, around `factor` times tonight's latency."""
    assert cell.latency
    assert cell.device
    other = next(name for name in rack.devices if name != cell.device.name)
    for number in range(1, 41):
        level = cell.latency.median_us * factor * (1 + WOBBLE[number % 10] / 100)
        begun = datetime.now(UTC) - timedelta(days=number)
        name = cell.device.name if number % 2 else other
        device = cell.device.model_copy(update={"name": name, "address": rack.address(name)})
        changes = {"latency": latency(level), "device": device, "finished_at": begun}
        earlier = run.model_copy(update={"run_id": f"before-{number}", "started_at": begun})
        append(rack.store, earlier, [cell.model_copy(update=changes)])


@pytest.mark.slow
async def test_a_slow_cell_is_timed_again_on_the_other_phone_and_confirmed(rack_of: RackOf) -> None:
    rack = rack_of(one="sm8750", other="sm8750")
    run, cell, first = await night(rack, "trial")
    assert first.verdict is Verdict.INSUFFICIENT_DATA
    remember(rack, run, cell, 0.5)
    run, cell, told = await night(rack, "tonight")
    assert cell.device
    (rerun,) = read_reruns(rack.store, "tonight", [cell]).values()
    assert rerun.failure is None
    assert rerun.device
    assert rerun.device.name != cell.device.name
    assert told.verdict is Verdict.NEW
    assert f"confirmed by a re-run on {rerun.device.name}" in told.sentence
    rows = read_history(
        rack.store, Where(since=run.started_at.date()), ["run_id", "rerun_device"]
    ).to_pylist()
    assert {"run_id": "tonight", "rerun_device": rerun.device.name} in rows
    assert len([call for device in rack.devices.values() for call in runs(device, PROFILED)]) == 2
    assert len([call for device in rack.devices.values() for call in runs(device, TIMED)]) == 3
    rack.require_clean()


@pytest.mark.slow
async def test_a_site_times_a_slow_cell_of_its_part_again_before_the_run_is_judged(rack_of: RackOf) -> None:
    rack = rack_of(one="sm8750", other="sm8750")
    run, cell, _ = await night(rack, "trial")
    remember(rack, run, cell, 0.5)
    plan = plan_sweep(run.spec)
    begun = begin_run(rack.store, "tonight", plan, load_site(rack.site_file))
    part = Part.of("lab", plan.cells, plan.cells)
    await sweep(run.spec, site=str(rack.site_file), run_id="tonight", part=part, return_state=True)
    _, cells = load_run(rack.store, "tonight")
    (rerun,) = read_reruns(rack.store, "tonight", cells).values()
    assert rerun.device
    told = next(v for v in judge_run(rack.store, begun, cells) if v.metric is LATENCY)
    assert f"confirmed by a re-run on {rerun.device.name}" in told.sentence
    rack.require_clean()
