"""What a sweep took last time is known the next time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.dlc import make_dlc
from fakes.records import MOMENT, model, record
from qhas.failures import Step
from qhas.machine.process import ToolRun
from qhas.profile.origin import Origin
from qhas.runs.durations import expectations, read_durations, seconds_of, write_durations
from qhas.runs.record import Attempt, CellRecord, CellStatus, ModelFacts, SdkFacts
from qhas.site.sdk import SdkKind
from qhas.store import Store
from qhas.sweep.forecast import ON_DEVICE, Forecast
from qhas.sweep.size import NetworkSize
from qhas.sweep.spec import Cell, ModelRef


def tool(seconds: float) -> ToolRun:
    return ToolRun(argv=["snpe-net-run"], started_at=MOMENT, seconds=seconds, exit_code=0)


def attempts(prepare: float, *device: float) -> list[Attempt]:
    """A prepare whose tool took `prepare` seconds, steps on a device, and a viewer of two seconds."""
    steps = [Step.DEVICE, Step.LATENCY, Step.NET_RUN, Step.LOGS]
    on_device = [
        Attempt(step=step, number=1, seconds=each, tools=[tool(each)])
        for step, each in zip(steps, device, strict=False)
    ]
    prepared = Attempt(
        step=Step.PREPARE, number=1, seconds=prepare + 5, tools=[tool(prepare)] if prepare else []
    )
    return [
        prepared,
        *on_device,
        Attempt(step=Step.CHROMETRACE, number=1, seconds=100, tools=[tool(2.0)]),
    ]


def test_a_sweep_that_never_ran_has_no_durations(store: Store) -> None:
    assert read_durations(store, "nightly").forecasts == {}


def test_prepare_and_device_time_of_good_cells_are_kept(store: Store) -> None:
    good = record(attempts=attempts(40.0, 1.0, 2.0, 3.0, 4.0))
    write_durations(store, "nightly", "one", [good])
    assert read_durations(store, "nightly").forecasts == {good.cell.key: Forecast(40.0, 10.0, 2.0)}


def test_a_device_is_held_all_the_time_and_this_host_while_a_tool_computes() -> None:
    run = [Attempt(step=Step.NET_RUN, number=1, seconds=30.0, tools=[tool(4.0)])]
    assert seconds_of(run, Origin.DEVICE).device == 30
    assert seconds_of(run, Origin.SIMULATOR).device == 4


def test_writing_the_log_beside_reused_outputs_says_nothing_about_executing() -> None:
    run = [Attempt(step=Step.NET_RUN, number=1, seconds=0.5, tools=[tool(0.4)], reused=True)]
    assert seconds_of(run, Origin.SIMULATOR).device == 0


def test_a_conversion_is_of_the_cell_that_did_it_and_expected_of_each(store: Store) -> None:
    made = [
        Attempt(step=step, number=1, seconds=9.0, tools=[tool(4.0)]) for step in (Step.QUANTIZE, Step.CONVERT)
    ]
    reused = [Attempt(step=step, number=1, seconds=0.1) for step in (Step.QUANTIZE, Step.CONVERT)]
    first, second = (
        Cell(model=ModelRef(name="net", onnx="net.onnx"), soc=soc) for soc in ("sm8650", "sm8750")
    )
    cells = [
        record(first, attempts=[*made, *attempts(40.0, 10.0)]),
        record(second, attempts=[*reused, *attempts(40.0, 10.0)]),
    ]
    write_durations(store, "nightly", "one", cells)
    assert [each.convert for each in read_durations(store, "nightly").forecasts.values()] == [8.0, 0.0]
    expected = expectations(store, "nightly", [first, second], SdkKind.VENDOR, [])
    assert [expected.of(cell).convert for cell in (first, second)] == [8.0, pytest.approx(8.0, rel=0.3)]


def test_what_an_older_version_wrote_tells_nothing_of_the_viewer(store: Store) -> None:
    content = b'{"run_id": "one", "seconds": {"net/sm8750/default": [40, 10]}}'
    store.write("sweeps/nightly/durations.json", content)
    assert read_durations(store, "nightly").forecasts == {"net/sm8750/default": Forecast(40.0, 10.0)}


def test_older_versions_can_read_what_is_written(store: Store) -> None:
    write_durations(store, "nightly", "one", [record(attempts=attempts(40.0, 10.0))])
    written = json.loads(store.read("sweeps/nightly/durations.json") or b"")
    assert list(written["seconds"].values()) == [[40.0, 10.0]]


def test_a_failed_cell_keeps_what_it_took_before(store: Store) -> None:
    good = record(attempts=attempts(40.0, 10.0))
    write_durations(store, "nightly", "one", [good])
    failed = good.model_copy(update={"status": CellStatus.FAILED, "attempts": attempts(1.0, 1.0)})
    write_durations(store, "nightly", "two", [failed])
    assert read_durations(store, "nightly").forecasts == {good.cell.key: Forecast(40.0, 10.0, 2.0)}


def test_a_graph_from_the_store_does_not_hide_what_its_prepare_takes(store: Store) -> None:
    write_durations(store, "nightly", "one", [record(attempts=attempts(40.0, 10.0))])
    write_durations(store, "nightly", "two", [record(attempts=attempts(0.0, 12.0))])
    assert list(read_durations(store, "nightly").forecasts.values()) == [Forecast(40.0, 12.0, 2.0)]


def emulated_before(prepare: float, seconds: float) -> list[Attempt]:
    """Attempts of a simulated cell whose run was reused from the store."""
    prepared, run, *others = attempts(prepare, seconds)
    return [prepared, run.model_copy(update={"reused": True}), *others]


def test_a_run_from_the_store_does_not_hide_what_it_takes(store: Store) -> None:
    write_durations(store, "nightly", "one", [record(attempts=attempts(40.0, 10.0))])
    write_durations(store, "nightly", "two", [record(attempts=emulated_before(0.0, 0.1))])
    assert list(read_durations(store, "nightly").forecasts.values()) == [Forecast(40.0, 10.0, 2.0)]


def test_what_was_in_the_store_whenever_a_cell_ran_is_expected_by_what_others_took(store: Store) -> None:
    cell = Cell(model=model("net"), soc="sm8750")
    others = [ran(f"net{n}", 600.0) for n in range(5)]
    write_durations(store, "nightly", "one", [*others, record(cell, attempts=emulated_before(0.0, 0.1))])
    asked = expectations(store, "nightly", [cell], SdkKind.VENDOR, []).of(cell)
    assert asked[:2] == (pytest.approx(600.0, rel=0.2), pytest.approx(10.0, rel=0.2))


def ran(name: str, prepare: float, *, size: int = 1000, sdk: SdkKind = SdkKind.VENDOR) -> CellRecord:
    """A good cell of a network of `size` bytes."""
    return record(
        Cell(model=model(name), soc="sm8750"),
        attempts=attempts(prepare, 10.0),
        model=ModelFacts(dlc=f"{name}.dlc", sha256="0" * 64, size=size),
        sdk=SdkFacts(kind=sdk, version="2.45.0"),
    )


def expected_prepare(store: Store, name: str = "new") -> float:
    cell = Cell(model=model(name), soc="sm8750")
    return expectations(store, "nightly", [cell], SdkKind.VENDOR, ["sm8750"]).of(cell).prepare


def test_a_network_that_was_added_is_expected_by_what_the_others_of_the_sweep_took(store: Store) -> None:
    write_durations(store, "nightly", "one", [ran(f"net{n}", 600.0) for n in range(5)])
    assert expected_prepare(store) == pytest.approx(600.0, rel=0.2)


def test_a_sweep_that_never_ran_is_expected_by_what_others_took(store: Store) -> None:
    assert expected_prepare(store) == ON_DEVICE.prepare
    write_durations(store, "weekly", "one", [ran(f"net{n}", 600.0) for n in range(5)])
    typical = 600.0 * expected_of_typical()
    assert expected_prepare(store) == pytest.approx(typical, rel=0.2)


def expected_of_typical() -> float:
    """The expected prepare time of a network of unknown size as a multiple of that of one of a kilobyte."""
    return ON_DEVICE.prepare / ON_DEVICE.of_size(NetworkSize(1000)).prepare


def test_tools_of_another_kind_tell_nothing(store: Store) -> None:
    write_durations(store, "weekly", "one", [ran("net", 600.0, sdk=SdkKind.HOST)])
    assert expected_prepare(store) == ON_DEVICE.prepare


def test_a_network_of_another_sweep_is_the_same_by_name_and_size(store: Store, tmp_path: Path) -> None:
    dlc = make_dlc(tmp_path / "net.dlc")
    cell = Cell(model=model("net").model_copy(update={"dlc": str(dlc)}), soc="sm8750")
    sizes = {"weekly": dlc.stat().st_size, "monthly": dlc.stat().st_size + 1}
    took = {}
    for sweep, size in sizes.items():
        other = Store(str(tmp_path / sweep))
        write_durations(other, sweep, "one", [ran("net", 600.0, size=size)])
        took[sweep] = expectations(other, "nightly", [cell], SdkKind.VENDOR, ["sm8750"]).of(cell).prepare
    assert took["weekly"] == pytest.approx(600.0, rel=0.2)
    assert took["monthly"] < 100.0


def test_seconds_of_a_simulation_are_not_expected_of_a_device(store: Store) -> None:
    simulated = ran("net", 600.0)  # records are of a simulated SoC by default
    write_durations(store, "weekly", "one", [simulated])
    cell = Cell(model=model("net"), soc="sm8750")
    asked = expectations(store, "nightly", [cell], SdkKind.VENDOR, ["sm8750"]).of(cell)
    assert asked.device == pytest.approx(ON_DEVICE.device, rel=0.1)
    assert asked.prepare > 2 * ON_DEVICE.prepare


def on_device(record: CellRecord) -> CellRecord:
    return record.model_copy(update={"origin": Origin.DEVICE})


def test_seconds_of_the_sweeps_own_simulation_are_not_expected_of_a_device(store: Store) -> None:
    simulated = ran("net", 600.0)
    write_durations(store, "nightly", "one", [simulated])
    expected = expectations(store, "nightly", [simulated.cell], SdkKind.VENDOR, ["sm8750"])
    asked = expected.of(simulated.cell)
    assert asked.device == pytest.approx(ON_DEVICE.device, rel=0.1)
    assert asked.prepare == pytest.approx(600.0, rel=0.5)
    assert not expected.knows(simulated.cell)


@pytest.mark.parametrize("reused", [False, True])
def test_seconds_of_a_device_are_forgotten_once_its_soc_is_simulated(store: Store, reused: bool) -> None:
    cell, other = ran("net", 600.0), ran("other", 600.0)
    write_durations(store, "nightly", "one", [on_device(cell), on_device(other)])
    again = cell.model_copy(update={"attempts": emulated_before(600.0, 0.1)}) if reused else cell
    write_durations(store, "nightly", "two", [again])
    stored = read_durations(store, "nightly")
    assert stored.measured == []
    assert [each.device for each in stored.forecasts.values()] == [0.0 if reused else 10.0, 0.0]
    assert [each.prepare for each in stored.forecasts.values()] == [600.0, 600.0]


def test_a_soc_that_did_not_run_is_measured_as_before(store: Store) -> None:
    phone, board = (
        ran("net", 600.0),
        record(Cell(model=model("net"), soc="sa8255"), attempts=attempts(40.0, 10.0)),
    )
    write_durations(store, "nightly", "one", [on_device(phone)])
    write_durations(store, "nightly", "two", [board])
    assert read_durations(store, "nightly").measured == ["sm8750"]


@pytest.mark.parametrize("key", ["net", "net/sm8750", "a/b/c/d", "//"])
def test_a_key_of_no_cell_is_damage(store: Store, key: str) -> None:
    content = f'{{"run_id": "one", "seconds": {{"{key}": [1, 1]}}}}'
    for sweep in ("nightly", "weekly"):
        store.write(f"sweeps/{sweep}/durations.json", content.encode())
    assert expected_prepare(store) == ON_DEVICE.prepare


@pytest.mark.parametrize("seconds", ["", "[1e999, 1]", "[-1, 1]", "[1, 1e300]"])
def test_damaged_durations_are_as_none(store: Store, seconds: str) -> None:
    content = f'{{"run_id": "one", "seconds": {{"net/sm8750/default": {seconds}}}}}'
    store.write("sweeps/nightly/durations.json", content.encode())
    assert read_durations(store, "nightly").forecasts == {}
