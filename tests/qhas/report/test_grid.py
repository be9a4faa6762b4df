"""A sweep over variants reports which one is best, and what each option does."""

from __future__ import annotations

from fakes.records import metrics, model, record, run_record, spec
from qhas.report.findings import Findings
from qhas.report.grid import grid
from qhas.report.run_page import run_page
from qhas.runs.record import CellRecord
from qhas.sweep.plan import variant_grid
from qhas.sweep.spec import Cell, Variants
from tests.qhas.report.page import Page

TWO = Variants(optimization_level=[2, 3], vtcm_mb=[2, 8])
TIMES = {(2, 2): 400, (2, 8): 200, (3, 2): 400, (3, 8): 100}


def cells(variants: Variants, times: dict[tuple[int, int], int], network: str = "net") -> list[CellRecord]:
    return [
        record(
            Cell(model=model(network), soc="sm8750", variant=name),
            metrics=metrics(time_us=times[options["optimization_level"], options["vtcm_mb"]]),
        )
        for name, options in variant_grid(variants)
        if (options["optimization_level"], options["vtcm_mb"]) in times
    ]


def test_the_best_variant_is_named_with_what_the_slowest_costs() -> None:
    found = grid(TWO, cells(TWO, TIMES))
    assert found
    (best,) = found.best
    assert (best.variant, best.figure, best.slowest) == ("optimization_level-3.vtcm_mb-8", "100 µs", "+300 %")


def test_the_effect_of_an_option_is_the_mean_over_pairs_that_differ_in_nothing_else() -> None:
    found = grid(TWO, cells(TWO, TIMES))
    assert found
    told = {(one.option, one.value): (one.change, one.faster, one.pairs) for one in found.effects}
    assert told == {
        ("optimization level", "2 → 3"): ("−29 %", True, 2),
        ("vtcm mb", "2 → 8"): ("−65 %", True, 2),
    }


def test_a_failed_cell_leaves_its_pair_out() -> None:
    found = grid(TWO, cells(TWO, {key: time for key, time in TIMES.items() if key != (3, 8)}))
    assert found
    assert {one.pairs for one in found.effects} == {1}


def test_where_there_is_no_choice_there_is_no_table() -> None:
    assert grid(Variants(), [record()]) is None
    assert grid(TWO, cells(TWO, {(2, 2): 400})) is None


def test_the_page_of_a_grid_has_its_tables_and_no_chart_with_a_series_a_variant() -> None:
    run = run_record(4, spec=spec(variants=TWO))
    page = Page(run_page(run, cells(TWO, TIMES), Findings()))
    (row,) = page.table("best variant")
    assert row["best variant"] == "optimization_level-3.vtcm_mb-8"
    assert [row["time"] for row in page.table("pairs of cells")] == ["−29 %", "−65 %"]
    assert "plot" not in page.data


def test_a_faster_variant_that_takes_more_vtcm_does_not_beat_a_slower_one_that_takes_less() -> None:
    peaks = {2: 2 << 20, 8: 8 << 20}
    variants = [
        record(cell.cell, metrics=metrics(time_us=cell.metrics.time_us, peak_vtcm=peaks[options["vtcm_mb"]]))
        for cell, (_, options) in zip(cells(TWO, TIMES), variant_grid(TWO), strict=True)
        if cell.metrics
    ]
    found = grid(TWO, variants)
    assert found
    assert [(each.variant, each.figures[0]) for each in found.front] == [
        ("optimization_level-3.vtcm_mb-8", "100 µs"),
        ("optimization_level-2.vtcm_mb-2", "400 µs"),
    ]
    page = Page(run_page(run_record(4, spec=spec(variants=TWO)), variants, Findings()))
    assert [row["time"] for row in page.table("peak VTCM")] == ["100 µs", "400 µs"]


def test_where_one_variant_beats_all_there_is_nothing_to_weigh() -> None:
    found = grid(TWO, cells(TWO, TIMES))
    assert found
    assert not found.front
