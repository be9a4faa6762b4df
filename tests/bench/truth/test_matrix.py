"""Figures of every network: which can be obtained; they are keyed by their sources and added to the shipped table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.truth import simulated, structure
from bench.truth.estimating import Estimate
from bench.truth.matrix import Cell, Failed, Kept, cells
from qhas.truth.tables import WHEEL, Precision

CELL = Cell("mobilenet_v2", Precision.FLOAT, WHEEL, 52)
ESTIMATE = Estimate(1065.0, 928.1, 1233.8, 0, 0, 0)


def test_devices_with_one_simulated_soc_are_one_figure() -> None:
    made = [cell.soc_model for cell in cells(WHEEL, ["mobilenet_v2"]) if cell.precision is Precision.FLOAT]
    assert made == sorted(set(made))
    assert {52, 69} <= {*made}
    assert 77 not in made


def test_what_nobody_measured_is_not_simulated() -> None:
    assert {cell.precision for cell in cells(WHEEL, ["mnasnet05"])} == {Precision.FLOAT}


def test_a_figure_is_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    assert kept.get(CELL) is None
    kept.put(CELL, ESTIMATE)
    assert Kept(tmp_path).get(CELL) == ESTIMATE
    assert kept.get(CELL._replace(soc_model=69)) is None


def test_a_reason_is_kept_too(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    kept.put(CELL, Failed("it cannot be converted"))
    assert kept.get(CELL) == Failed("it cannot be converted")


def test_another_structure_has_another_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(tmp_path / "kept")
    kept.put(CELL, ESTIMATE)
    monkeypatch.setattr(structure, "FOLDER", tmp_path)
    structure.path_of("mobilenet_v2").write_bytes(b"another")
    assert kept.get(CELL) is None


def test_the_table_has_the_figures_that_were_made() -> None:
    assert simulated.row_of(CELL) == 1065.0
    (row,) = simulated.compared({CELL: ESTIMATE._replace(simulated_us=1075.65)}).rows
    assert row[-1] == "+1.00%"


def test_new_figures_are_added_in_order_and_known_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "simulated.tsv"
    path.write_text("header\nzoo\tfloat\n")
    new = Cell("mobilenet_v2", Precision.FLOAT, "9.9.9", 69)
    assert simulated.add(path, {CELL: ESTIMATE, new: Estimate(431.05, None, None, None, None, None)}) == 1
    assert path.read_text().splitlines() == [
        "header",
        "mobilenet_v2\tfloat\t-\t9.9.9\t69\ttop\t431.1\t-\t-\t-",
        "zoo\tfloat",
    ]


def test_a_network_that_has_a_figure_now_is_no_failure_any_more(tmp_path: Path) -> None:
    path = tmp_path / "not_simulated.tsv"
    path.write_text("model\tprecision\twhy\n")
    simulated.note_failures({CELL: Failed("it cannot be converted")}, path)
    assert path.read_text().splitlines()[1:] == ["mobilenet_v2\tfloat\tit cannot be converted"]
    simulated.note_failures({CELL: ESTIMATE}, path)
    assert path.read_text().splitlines()[1:] == []
