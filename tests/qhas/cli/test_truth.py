"""`qhas truth` compares a lab's own devices with the simulator."""

from __future__ import annotations

import json

from qhas.history import append
from qhas.store import Store
from tests.qhas.cli.desk import Desk
from tests.qhas.nights import on_phone, run_of, simulated


def test_each_pair_has_both_times_and_their_ratio(desk: Desk) -> None:
    store = Store(str(desk.folder / "store"))
    append(store, run_of(0), [simulated(0, figures={"time_us": 1000}), on_phone(0, 1200.0, soc="sa8255")])
    shown = desk.run("truth", "--site", "site.yaml")
    assert shown.exit_code == 0
    assert "1,200 µs" in shown.output
    assert "1 pair; the median of measured / simulated is 1.20" in shown.output
    (pair,) = json.loads(desk.run("truth", "--site", "site.yaml", "--json").stdout)["pairs"]
    assert (pair["simulated_us"], pair["measured_us"], pair["ratio"]) == (1000, 1200, 1.2)


def test_a_store_without_pairs_says_what_makes_one(desk: Desk) -> None:
    shown = desk.run("truth", "--site", "site.yaml")
    assert shown.exit_code == 0
    assert "No network of this store was both simulated and measured" in shown.output
