"""A cell as a row: the same words everywhere, and figures of different origin kept apart."""

from __future__ import annotations

import pytest

from fakes.records import attempt, health, latency, measured, metrics, model, record
from qhas.devices.facts import Health, HealthFacts
from qhas.failures import FACTS, FailureKind
from qhas.runs.record import Origin
from qhas.runs.rows import (
    COLUMNS,
    by_origin,
    columns,
    legend,
    row,
    statements,
)
from qhas.sweep.spec import Cell
from qhas.truth.tables import Precision, calibrating, device_of

GALAXY_S25 = device_of("sm8750")
assert GALAXY_S25
S25_NETWORKS = len(calibrating(GALAXY_S25, Precision.FLOAT))


def test_a_complete_cell_shows_its_figures() -> None:
    cell = Cell(model=model("inception"), soc="sa8255", variant="vtcm_mb-4")
    shown = row(record(cell, metrics=metrics(hmx_cycles=731_500)))
    assert (shown.network, shown.soc, shown.variant) == ("inception", "sa8255", "vtcm_mb-4")
    assert (shown.status, shown.time, shown.hmx) == ("complete", "1,371 µs", "38.5%")
    assert (shown.dram, shown.vtcm, shown.top_op) == ("26.4 MB", "4 MiB", "Conv2d 61%")


@pytest.mark.parametrize(("cycles", "text"), [(0, "0.0%"), (None, ""), (2_000_000, "")])
def test_the_share_of_the_matrix_engine_is_empty_where_nothing_tells_it(
    cycles: int | None, text: str
) -> None:
    assert row(record(metrics=metrics(hmx_cycles=cycles))).hmx == text


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
    [
        (None, ""),
        ("supported", ""),
        (
            "unsupported",
            f"not supported by the vendor for this SoC; checked against {S25_NETWORKS} networks on Galaxy S25",
        ),
    ],
)
def test_an_estimate_the_vendor_does_not_support_says_so(estimate: str | None, note: str) -> None:
    assert row(record(metrics=metrics(estimate=estimate))).note == note


def test_simulated_and_measured_cells_are_apart_in_order_and_complete() -> None:
    records = [record(origin=origin) for origin in (Origin.SIMULATOR, Origin.DEVICE, Origin.SIMULATOR)]
    groups = dict(by_origin(records))
    assert groups == {Origin.DEVICE: [records[1]], Origin.SIMULATOR: [records[0], records[2]]}
    assert dict(by_origin([])) == {}


def test_each_statement_of_origin_is_given_once() -> None:
    told = [record(metrics=metrics(statement=text)) for text in ("b", "a", "b", None)]
    assert statements([*told, record(failure=FailureKind.DISK)]) == ["a", "b"]


def test_statements_that_differ_by_the_soc_alone_are_one_sentence() -> None:
    socs = {"sa8797": "For SA8797; none.", "sa8255": "For SA8255; none.", "qcs9100": "For SA8255P; none."}
    told = [
        record(Cell(model=model(), soc=soc), metrics=metrics(statement=text)) for soc, text in socs.items()
    ]
    assert statements(told) == ["For SA8255 and SA8797; none.", "For SA8255P; none."]


def test_a_measured_cell_shows_its_latency_before_its_qhas_time() -> None:
    shown = row(measured(latency=latency(100, 104, 110)))
    assert (shown.median, shown.p90, shown.spread) == ("104 µs", "110 µs", "10%")
    assert shown.device == "oneplus13"
    fields = [column.field for column in COLUMNS[Origin.DEVICE]]
    assert fields.index("median") < fields.index("time")


def test_the_column_of_the_qhas_time_says_that_it_is_no_latency() -> None:
    (title,) = [column.title for column in COLUMNS[Origin.DEVICE] if column.field == "time"]
    assert title == "QHAS time (first, cold, profiled)"
    assert any("never a latency" in sentence for sentence in legend([measured()]))
    assert not any("latency" in sentence for sentence in legend([record()]))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"latency": latency(100, 104, 126)}, "spread 25 %"),
        ({"health": health(after=2)}, "thermal status 2 after the run"),
        (
            {"health": health(after=1), "latency": latency(100, 104, 126)},
            "thermal status 1 after the run, spread 25 %",
        ),
    ],
)
def test_a_latency_of_poor_conditions_is_marked_and_says_why(changes: dict[str, object], why: str) -> None:
    shown = row(measured(**changes))
    assert (shown.mark, shown.note) == ("poor", f"{why}: do not quote the latency")


def test_a_latency_of_good_conditions_has_no_mark() -> None:
    assert row(measured()).mark == ""
    assert "mark" not in [column.field for column in columns(Origin.DEVICE, [measured()])]


def test_health_is_shown_before_and_after() -> None:
    assert row(measured()).health == "skin 33.5 → 36 °C, thermal status 0 → 0, battery 80 → 80 %"


def test_what_a_device_does_not_tell_is_left_out() -> None:
    bare = Health(taken_at=record().started_at)
    waited = HealthFacts(before=bare, after=bare.model_copy(update={"skin_celsius": 31.0}), waited_seconds=95)
    assert row(measured(health=waited)).health == "skin ? → 31 °C, waited 95 s for the gate"


def test_a_failed_cell_names_every_device_it_was_tried_on() -> None:
    tried = [attempt("a", FailureKind.DSP_CRASHED), attempt("b", FailureKind.DSP_CRASHED)]
    assert row(measured(failure=FailureKind.DSP_CRASHED, attempts=tried)).device == "a, b, oneplus13"


def test_a_failed_cell_has_no_latency_either() -> None:
    assert row(measured(failure=FailureKind.LOG_EMPTY)).median == ""


def test_a_simulated_cell_has_no_device_and_no_column_for_one() -> None:
    assert row(record()).device == ""
    assert "device" not in [column.field for column in columns(Origin.SIMULATOR, [record()])]
