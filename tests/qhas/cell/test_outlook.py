"""What a plan foretells is near what then happens, on racks with known durations."""

from __future__ import annotations

import pytest

from qhas.cell.outlook import least_seconds
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell
from tests.qhas.lab.rack import Rack, by_size, in_no_time, known, rack_of

RACKS = {"host slots scarce": (8, 2), "devices scarce": (64, 1), "both": (16, 1)}


def foretold(cells: list[Cell], rack: Rack, expected: Expectations) -> float:
    return least_seconds({cell.key: expected.of(cell) for cell in cells}, (), rack.devices, rack.cores)


@pytest.mark.parametrize("name", RACKS)
@pytest.mark.parametrize("seed", range(4))
def test_of_a_second_night_is_within_a_fifth(seed: int, name: str) -> None:
    cores, devices = RACKS[name]
    rack, cells = rack_of(seed, (1, 10), cores=cores, devices=devices)
    took = in_no_time(rack.run(cells, known(rack)))
    assert 1 / 1.2 <= took / foretold(cells, rack, known(rack)) <= 1.2


@pytest.mark.parametrize("name", RACKS)
@pytest.mark.parametrize("seed", range(4))
def test_of_a_first_night_after_other_networks_ran_is_within_a_third(seed: int, name: str) -> None:
    cores, devices = RACKS[name]
    rack, cells = rack_of(seed, (1, 10), cores=cores, devices=devices)
    others = {f"other-{key}": seconds for key, seconds in rack_of(seed + 100, (1, 10))[0].seconds.items()}
    expected = by_size(Rack(rack.devices, rack.cores, rack.seconds | others), seed)
    for key, (prepare, device, _) in others.items():
        expected.learn(key, prepare=prepare, device=device)
    said = foretold(cells, rack, expected)
    took = in_no_time(rack.run(cells, expected))
    assert 1 / 1.35 <= took / said <= 1.35


def test_what_is_prepared_takes_nothing_of_the_host() -> None:
    forecasts = {"a/sm8750/default": Forecast(40.0, 10.0), "b/sm8750/default": Forecast(30.0, 10.0)}
    assert least_seconds(forecasts, (), {"sm8750": 1}, 1) == 70
    assert least_seconds(forecasts, ["a/sm8750/default"], {"sm8750": 1}, 1) == 40
    assert least_seconds(forecasts, forecasts.keys(), {"sm8750": 1}, 1) == 20


def test_devices_wait_for_the_shortest_prepare() -> None:
    forecasts = {f"{name}/sm8750/default": Forecast(30.0, 10.0) for name in "abc"}
    assert least_seconds(forecasts, (), {"sm8750": 1}, 8) == 60


def test_no_sweep_ends_before_its_longest_cell() -> None:
    assert least_seconds({"a/sm8750/default": Forecast(40.0, 10.0)}, (), {"sm8750": 4}, 8) == 50


def test_a_simulated_cell_takes_all_of_its_time_on_this_host() -> None:
    assert least_seconds({f"{name}/sm8750/default": Forecast(4.0, 1.0) for name in "abc"}, (), {}, 2) == 7.5
