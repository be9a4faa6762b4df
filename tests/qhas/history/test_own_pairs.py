"""A lab's own pairs: the last simulated and the last measured night of one DLC."""

from __future__ import annotations

from qhas.history import append
from qhas.history.own_pairs import own_pairs
from qhas.runs.record import OwnEstimate
from qhas.store import Store
from tests.qhas.nights import day, on_phone, run_of, simulated


def test_a_network_that_was_simulated_and_measured_is_a_pair(store: Store) -> None:
    append(store, run_of(0), [simulated(0)])
    append(store, run_of(1), [on_phone(1, 1000.0, soc="sa8255")])
    append(store, run_of(2), [on_phone(2, 1200.0, soc="sa8255")])
    (pair,) = own_pairs(store)
    assert (pair.network, pair.soc, pair.measured_us, pair.measured_on) == ("net", "sa8255", 1200.0, day(2))
    assert pair.simulated_on == day(0)
    assert pair.ratio == 1200.0 / pair.simulated_us


def test_a_measured_cell_that_was_estimated_too_is_a_pair_of_one_night(store: Store) -> None:
    beside = OwnEstimate(sdk="2.51.0", simulated_us=900.0)
    append(store, run_of(0), [on_phone(0, 1000.0, estimated=beside)])
    (pair,) = own_pairs(store)
    assert (pair.simulated_us, pair.measured_us, pair.simulated_on) == (900.0, 1000.0, day(0))


def test_another_network_of_the_same_soc_is_none(store: Store) -> None:
    append(store, run_of(0), [simulated(0), on_phone(0, 5.0, "other", soc="sa8255")])
    assert own_pairs(store) == []


def test_an_empty_store_has_none(store: Store) -> None:
    assert own_pairs(store) == []
