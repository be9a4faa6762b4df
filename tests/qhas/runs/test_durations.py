"""What a sweep took last time is known the next time."""

from __future__ import annotations

import pytest

from fakes.records import MOMENT, record
from qhas.failures import Step
from qhas.machine.process import ToolRun
from qhas.runs.durations import read_durations, write_durations
from qhas.runs.record import Attempt, CellStatus
from qhas.store import Store
from qhas.sweep.forecast import Forecast


def attempts(prepare: float, *device: float) -> list[Attempt]:
    """A prepare whose tool took so long, and steps on a device."""
    tool = ToolRun(argv=["snpe-dlc-graph-prepare"], started_at=MOMENT, seconds=prepare, exit_code=0)
    steps = [Step.DEVICE, Step.LATENCY, Step.NET_RUN, Step.LOGS]
    on_device = [
        Attempt(step=step, number=1, seconds=each) for step, each in zip(steps, device, strict=False)
    ]
    prepared = Attempt(step=Step.PREPARE, number=1, seconds=prepare + 5, tools=[tool] if prepare else [])
    return [prepared, *on_device, Attempt(step=Step.CHROMETRACE, number=1, seconds=100)]


def test_a_sweep_that_never_ran_has_no_durations(store: Store) -> None:
    assert read_durations(store, "nightly") == {}


def test_prepare_and_device_time_of_good_cells_are_kept(store: Store) -> None:
    good = record(attempts=attempts(40.0, 1.0, 2.0, 3.0, 4.0))
    write_durations(store, "nightly", "one", [good])
    assert read_durations(store, "nightly") == {good.cell.key: Forecast(40.0, 10.0)}


def test_a_failed_cell_keeps_what_it_took_before(store: Store) -> None:
    good = record(attempts=attempts(40.0, 10.0))
    write_durations(store, "nightly", "one", [good])
    failed = good.model_copy(update={"status": CellStatus.FAILED, "attempts": attempts(1.0, 1.0)})
    write_durations(store, "nightly", "two", [failed])
    assert read_durations(store, "nightly") == {good.cell.key: Forecast(40.0, 10.0)}


def test_a_graph_from_the_store_does_not_hide_what_its_prepare_takes(store: Store) -> None:
    write_durations(store, "nightly", "one", [record(attempts=attempts(40.0, 10.0))])
    write_durations(store, "nightly", "two", [record(attempts=attempts(0.0, 12.0))])
    assert list(read_durations(store, "nightly").values()) == [Forecast(40.0, 12.0)]


@pytest.mark.parametrize("seconds", ["", "[1e999, 1]", "[-1, 1]", "[1, 1e300]"])
def test_damaged_durations_are_as_none(store: Store, seconds: str) -> None:
    content = f'{{"run_id": "one", "seconds": {{"net/sm8750/default": {seconds}}}}}'
    store.write("sweeps/nightly/durations.json", content.encode())
    assert read_durations(store, "nightly") == {}
