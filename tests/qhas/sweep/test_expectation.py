"""What cells are expected to take, from their size and from what others took."""

from __future__ import annotations

import pytest

from fakes.records import model
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import NOTHING, ON_DEVICE, SIMULATED, Forecast
from qhas.sweep.size import NetworkSize
from qhas.sweep.spec import Cell, ModelRef

SOCS = ("sm8650", "sm8750", "sa8255")


def cell(name: str, soc: str = "sm8750", variant: str = "default") -> Cell:
    return Cell(model=model(name), soc=soc, variant=variant)


def test_of_a_cell_nobody_knows_the_typical_time_is_expected() -> None:
    expected = Expectations(measured=["sm8750"])
    assert expected.of(cell("net")) == ON_DEVICE._replace(convert=0.0)
    assert expected.of(cell("net", "sa8255")) == SIMULATED._replace(convert=0.0)
    onnx = Cell(model=ModelRef(name="net", onnx="net.onnx"), soc="sa8255")
    assert expected.of(onnx) == SIMULATED


def test_what_a_cell_took_is_expected_again_whatever_others_took() -> None:
    expected = Expectations({"net/sm8750/default": Forecast(7.0, 3.0, 1.0)})
    for soc in SOCS:
        expected.learn(f"other/{soc}/default", Forecast(1000.0, 1000.0))
    assert expected.of(cell("net")) == Forecast(7.0, 3.0, 1.0)


def test_a_larger_network_is_expected_to_take_longer() -> None:
    sizes = {"small": NetworkSize(1_300_000, 45), "large": NetworkSize(275_000_000, 125)}
    expected = Expectations(sizes=sizes, measured=SOCS)
    small, large = expected.of(cell("small")), expected.of(cell("large"))
    assert small.prepare < ON_DEVICE.prepare < large.prepare
    assert small.device < ON_DEVICE.device < large.device


def test_a_network_whose_ops_are_not_known_is_as_one_of_typically_many() -> None:
    sizes = {"here": NetworkSize(20_000_000, 200), "elsewhere": NetworkSize(20_000_000)}
    expected = Expectations(sizes=sizes)
    assert expected.of(cell("here")) == expected.of(cell("elsewhere"))


def test_a_network_that_took_long_on_one_soc_is_expected_to_on_the_others() -> None:
    expected = Expectations(measured=SOCS)
    expected.learn("slow/sm8650/default", Forecast(600.0, 60.0))
    expected.learn("quick/sm8650/default", Forecast(60.0, 60.0))
    assert expected.of(cell("slow")).prepare > 5 * expected.of(cell("quick")).prepare
    assert expected.of(cell("slow")).device == pytest.approx(60.0)


def test_where_all_take_twice_as_long_so_will_one_that_never_ran() -> None:
    expected = Expectations(measured=SOCS)
    for number in range(20):
        expected.learn(f"net{number}/{SOCS[number % 3]}/default", Forecast(120.0, 120.0))
    assert expected.of(cell("new")).prepare == pytest.approx(120.0, rel=0.1)


def test_networks_socs_and_variants_are_told_apart() -> None:
    networks, socs = {"a": 1.0, "b": 4.0, "c": 9.0}, {"sm8650": 1.0, "sm8750": 1.5, "sa8255": 2.0}
    expected = Expectations(measured=SOCS)
    left_out = "b/sa8255/default"
    for network, long in networks.items():
        for soc, slow in socs.items():
            if (key := f"{network}/{soc}/default") != left_out:
                expected.learn(key, Forecast(60 * long * slow, 0.0))
    assert expected.of(cell("b", "sa8255")).prepare == pytest.approx(60 * 4 * 2, rel=0.25)


def test_last_times_of_other_cells_teach_as_well() -> None:
    known = {f"net/{soc}/default": Forecast(600.0, 60.0) for soc in ("sm8650", "sa8255")}
    assert Expectations(known, measured=SOCS).of(cell("net")).prepare == pytest.approx(600.0, rel=0.1)


def test_forecasts_are_others_only_when_the_version_is() -> None:
    expected = Expectations(measured=SOCS)
    before = expected.version
    expected.learn("net/sm8650/default", NOTHING)
    assert expected.version == before
    expected.learn("net/sm8650/default", Forecast(1.0, 0.0))
    assert expected.version > before


def test_thousands_of_cells_are_learnt_from_in_a_moment() -> None:
    expected = Expectations(measured=SOCS)
    for number in range(5_000):
        expected.learn(f"net{number // 4}/soc{number % 4}/default", Forecast(1.0 + number % 7, 0.0))
    assert expected.version < 300
