"""A plan's forecast is close to what then happens, on racks with known durations."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import pytest

from qhas.lab.duration import Expected, InStore, expect, least_seconds, shared_runs
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import ON_DEVICE, Forecast
from qhas.sweep.spec import Cell, ModelRef
from tests.qhas.lab.rack import Rack, by_size, cell_of, known, rack_of

pytestmark = pytest.mark.xdist_group("rehearsals")  # these take long
RACKS = {"host slots scarce": (8, 2), "devices scarce": (64, 1), "both": (16, 1)}


def foretold(
    cells: list[Cell], rack: Rack, expected: Expectations, stored: InStore | None = None
) -> Expected:
    said = expect(cells, expected, stored or InStore(), rack.devices, rack.cores)
    assert said
    return said


def told_by_others(rack: Rack, seed: int) -> Expectations:
    """What is expected of networks that never ran, from their sizes and from what as many others took."""
    others = {f"other-{key}": took for key, took in rack_of(seed + 100, (1, 10))[0].seconds.items()}
    expected = by_size(Rack(rack.devices, rack.cores, rack.seconds | others), seed)
    for key, took in others.items():
        expected.learn(key, took)
    return expected


@pytest.mark.parametrize("name", RACKS)
@pytest.mark.parametrize("seed", range(4))
def test_of_a_second_night_is_what_then_happens(seed: int, name: str) -> None:
    cores, devices = RACKS[name]
    rack, cells = rack_of(seed, (1, 10), cores=cores, devices=devices)
    said = foretold(cells, rack, known(rack))
    assert said == (pytest.approx(rack.run(cells, known(rack)), rel=0.01), None, None)


@pytest.mark.parametrize("name", RACKS)
def test_of_first_nights_after_other_networks_ran_is_within_a_tenth_in_the_middle_and_three_tenths_at_worst(
    name: str,
) -> None:
    cores, devices = RACKS[name]
    shares, held = [], 0
    for seed in range(4):
        rack, cells = rack_of(seed, (1, 10), cores=cores, devices=devices)
        expected = told_by_others(rack, seed)
        seconds, low, high = foretold(cells, rack, expected)
        took = rack.run(cells, expected)
        shares.append(took / seconds)
        assert low is not None
        assert high is not None
        held += low <= took <= high
    assert 0.9 <= median(shares) <= 1.1
    assert min(shares) >= 1 / 1.35
    assert max(shares) <= 1.35
    assert held >= 2


def test_what_is_in_the_store_takes_no_longer_than_to_bring_it() -> None:
    cells = [cell_of("sm8750", name) for name in "ab"]
    took = {cell.key: Forecast(40.0, 10.0, 3.0) for cell in cells}
    for devices, prepared, emulated in (({"sm8750": 1}, 23.27, 23.27), ({}, 26.54, 6.68)):
        rack = Rack(devices, 1, took)
        there = InStore(prepared=set(took))
        assert foretold(cells, rack, known(rack), there).seconds == pytest.approx(prepared)
        both = foretold(cells, rack, known(rack), replace(there, emulated=set(took)))
        assert both.seconds == pytest.approx(emulated)


def test_a_network_is_converted_once_for_all_its_cells_and_they_wait_for_it() -> None:
    cells = [Cell(model=ModelRef(name="net", onnx="net.onnx"), soc=f"soc{n}") for n in range(3)]
    took = {cell.key: Forecast(4.0, 10.0, 1.0, convert=20.0) for cell in cells}
    rack = Rack({cell.soc: 1 for cell in cells}, 8, took)
    assert foretold(cells, rack, known(rack)).seconds == pytest.approx(35.2)
    assert foretold(cells, rack, known(rack), InStore(made=set(took))).seconds == pytest.approx(15.27)
    assert least(took, {}, 1) == 20 + 3 * 15


def test_a_dlc_is_not_converted() -> None:
    cells = [cell_of("sm8750", name) for name in ("slow", "dlc")]
    expected = Expectations(measured=["sm8750"])
    expected.learn(cells[0].key, Forecast(60.0, 60.0, 2.0, convert=500.0))
    assert expected.of(cells[1]).convert == 0


@pytest.mark.parametrize("model", [{"dlc": "net.dlc"}, {"onnx": "net.onnx"}])
def test_of_cells_that_ran_before_what_nobody_told_is_as_expected_and_not_as_drawn(
    model: dict[str, str],
) -> None:
    cell = Cell(model=ModelRef.model_validate({"name": "net", **model}), soc="sm8750")
    rack = Rack({"sm8750": 1}, 1, {cell.key: Forecast(40.0, 10.0)})
    converted = 0.0 if cell.model.dlc else ON_DEVICE.convert
    said = foretold([cell], rack, known(rack))
    assert said == (pytest.approx(40 + 10 + ON_DEVICE.finish + converted + 0.2), None, None)


def test_the_same_is_foretold_every_time() -> None:
    rack, cells = rack_of(1, (1, 10), networks=4)
    first, second = (foretold(cells, rack, by_size(rack, 1)) for _ in range(2))
    assert first == second
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.seconds < first.high


def test_whatever_a_store_says_of_durations_the_rehearsal_ends() -> None:
    known = {f"net{n}/sm8750/default": Forecast(*([1e7, 1e-3][n % 2] for _ in range(3))) for n in range(8)}
    cells = [cell_of("sm8750", f"new{n}") for n in range(100)]
    said = expect(cells, Expectations(known), InStore(), {"sm8750": 1}, 1)
    assert said
    assert said.low is not None
    assert said.high is not None
    assert 0 < said.low <= said.seconds <= said.high <= 100 * 3 * 86_400


def test_of_socs_with_the_same_program_one_is_executed_if_they_are_simulated() -> None:
    cells = [cell_of(soc, network) for network in "ab" for soc in ("qcs9100", "sa8255", "sa8797")]
    assert shared_runs(cells, devices={}) == {"a/sa8255/default", "b/sa8255/default"}
    assert shared_runs(cells, devices={"qcs9100": 1}) == set()


def test_of_no_cells_and_of_very_many_nothing_is_rehearsed() -> None:
    cells = [cell_of("sm8750", f"net{n}") for n in range(1001)]
    assert expect([], Expectations(), InStore(), {}, 1) is None
    assert expect(cells, Expectations(), InStore(), {}, 1) is None


def least(took: dict[str, Forecast], devices: dict[str, int], cores: int, *prepared: str) -> float:
    return least_seconds(InStore(prepared=prepared).left_of(took, devices), devices, cores)


@pytest.mark.parametrize("name", RACKS)
def test_no_sweep_ends_before_the_least(name: str) -> None:
    cores, devices = RACKS[name]
    rack, cells = rack_of(5, (1, 10), cores=cores, devices=devices)
    shortest = least(rack.seconds, rack.devices, cores)
    assert shortest == pytest.approx(rack.lower_bound())
    assert shortest <= rack.run(cells, known(rack))


def test_what_is_prepared_takes_nothing_of_the_host() -> None:
    took = {"a/sm8750/default": Forecast(40.0, 10.0), "b/sm8750/default": Forecast(30.0, 10.0)}
    assert least(took, {"sm8750": 1}, 1) == 70
    assert least(took, {"sm8750": 1}, 1, "a/sm8750/default") == 40
    assert least(took, {"sm8750": 1}, 1, *took) == 20


def test_devices_wait_for_the_shortest_prepare_and_the_host_for_the_last_viewer() -> None:
    took = {f"{name}/sm8750/default": Forecast(30.0, 10.0, 2.0) for name in "abc"}
    assert least(took, {"sm8750": 1}, 8) == 62


def test_no_sweep_ends_before_its_longest_cell() -> None:
    assert least({"a/sm8750/default": Forecast(40.0, 10.0, 1.0)}, {"sm8750": 4}, 8) == 51


def test_a_simulated_cell_takes_all_of_its_time_on_this_host() -> None:
    assert least({f"{name}/sm8750/default": Forecast(4.0, 1.0) for name in "abc"}, {}, 2) == 7.5
