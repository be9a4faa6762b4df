"""A cell as a row: the same words everywhere, and figures of different origin apart."""

from __future__ import annotations

import pytest

from qhas.failures import FACTS, FailureKind
from qhas.record import Origin
from qhas.rows import by_origin, microseconds, row, size, statements
from qhas.spec import Cell
from tests.qhas.samples import metrics, model, record


def test_a_complete_cell_shows_its_figures() -> None:
    shown = row(record(Cell(model=model("inception"), soc="sa8255", variant="vtcm_mb-4")))
    assert (shown.network, shown.soc, shown.variant) == ("inception", "sa8255", "vtcm_mb-4")
    assert (shown.status, shown.time, shown.utilization) == ("complete", "1,371 µs", "81.2%")
    assert (shown.dram, shown.vtcm, shown.top_op) == ("26.4 MB", "4.19 MB", "Conv2d 61%")
    assert shown.order == 1371


def test_a_failed_cell_shows_kind_reason_and_next_step_and_no_figures() -> None:
    shown = row(record(failure=FailureKind.LOG_EMPTY))
    assert shown.status == "log_empty"
    assert "what happened" in shown.note
    assert FACTS[FailureKind.LOG_EMPTY].hint in shown.note
    assert (shown.time, shown.dram, shown.top_op) == ("", "", "")


def test_a_failed_cell_shows_no_figures_even_when_it_has_some() -> None:
    assert row(record(failure=FailureKind.STORE, metrics=metrics())).time == ""


@pytest.mark.parametrize("changes", [{"metrics": None}, {"metrics": metrics(top_ops=[])}])
def test_a_cell_without_figures_or_ops_is_still_a_row(changes: dict[str, object]) -> None:
    assert row(record(**changes)).top_op == ""


@pytest.mark.parametrize(
    ("estimate", "note"),
    [(None, ""), ("supported", ""), ("unsupported", "not supported by the vendor for this SoC")],
)
def test_an_estimate_the_vendor_does_not_support_says_so(estimate: str | None, note: str) -> None:
    assert row(record(metrics=metrics(estimate=estimate))).note == note


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0.00 MB"), (4_194_304, "4.19 MB"), (9_999_999, "10.00 MB"), (26_400_000, "26.4 MB")],
)
def test_bytes_are_megabytes_of_a_million(count: int, text: str) -> None:
    assert size(count) == text


def test_times_have_thousands_marked() -> None:
    assert microseconds(1371) == "1,371 µs"


def test_simulated_and_measured_cells_are_apart_in_order_and_complete() -> None:
    records = [record(origin=origin) for origin in (Origin.SIMULATOR, Origin.DEVICE, Origin.SIMULATOR)]
    groups = dict(by_origin(records))
    assert groups == {Origin.DEVICE: [records[1]], Origin.SIMULATOR: [records[0], records[2]]}
    assert dict(by_origin([])) == {}


def test_each_statement_of_origin_is_given_once() -> None:
    told = [record(metrics=metrics(statement=text)) for text in ("b", "a", "b", None)]
    assert statements([*told, record(failure=FailureKind.DISK)]) == ["a", "b"]
