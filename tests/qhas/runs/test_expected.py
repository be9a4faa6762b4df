"""The expectation beside a simulated time is computed from the record when it is shown, and never stored."""

from __future__ import annotations

import json

import pytest

from fakes.records import metrics, model, record
from qhas.profile.metrics import OpShare
from qhas.profile.simulation import Simulation
from qhas.runs.expected import change, document, expected, own_interval, sentence, unseen, unseen_of
from qhas.runs.record import CellRecord, Origin
from qhas.runs.rows import expectations, row
from qhas.sweep.spec import Cell
from qhas.truth.calibration import Expectation, Key, table
from qhas.truth.tables import NetworkClass, Precision
from qhas.truth.traits import Traits

IQ = table()[Key("Dragonwing IQ-9075 EVK", Precision.FLOAT, NetworkClass.CONVOLUTIONAL)]
PLAIN = Traits(precision=Precision.FLOAT, input_elements=224 * 224 * 3)


def simulated(soc: str = "qcs9100", time_us: int = 1065, **changes: object) -> CellRecord:
    return record(
        Cell(model=model("mobilenet_v2"), soc=soc),
        **{
            "origin": Origin.SIMULATOR,
            "metrics": metrics(time_us=time_us, top_ops=[]),
            "traits": PLAIN,
            **changes,
        },
    )


def text_of(simulated_ms: float) -> str:
    ms = IQ.expected_ms(simulated_ms)
    return f"{ms:.2f} ({ms / IQ.spread:.2f} to {ms * IQ.spread:.2f})"


def test_a_simulated_cell_has_its_expectation_beside_it() -> None:
    expected_text = f"{text_of(1.065)} ms expected on IQ-9075, from {IQ.n} networks"
    assert sentence(simulated()) == f"1,065 µs simulated; {expected_text}"


def test_a_row_shows_it_apart_from_the_simulated_time() -> None:
    shown = row(simulated())
    assert (shown.time, shown.expected) == ("1,065 µs", text_of(1.065))


def test_the_legend_names_what_it_is_made_of_once() -> None:
    assert expectations([simulated(), simulated(time_us=900)]) == [
        f"Expected: warm inferences on IQ-9075, from {IQ.n} float convolutional networks measured there; in brackets: "
        "the range that holds 8 of 10 networks."
    ]


def test_where_nothing_was_measured_the_row_and_the_legend_say_so() -> None:
    cell = simulated("sm8550")
    assert row(cell).expected == "not known"
    assert expectations([cell]) == ["Expected times are not known: no device was measured for SM8550."]


def test_a_record_of_an_older_version_has_no_traits_and_no_expectation() -> None:
    says = sentence(simulated(traits=None))
    assert says.endswith("does not state the network's number format and ops")


@pytest.mark.parametrize("changes", [{"origin": Origin.DEVICE}, {"metrics": None}])
def test_a_measured_cell_and_one_without_figures_have_none(changes: dict[str, object]) -> None:
    cell = simulated(**changes)
    assert expected(cell) is None
    assert (sentence(cell), document(cell), row(cell).expected) == ("", None, "")


def test_it_is_never_stored_as_a_figure() -> None:
    cell = simulated()
    assert isinstance(expected(cell), Expectation)
    assert "expected" not in json.loads(cell.model_dump_json())


def test_programs_have_it_under_its_own_key_with_its_interval() -> None:
    made = document(simulated())
    assert made
    assert made["low_ms"] < made["expected_ms"] < made["high_ms"]
    assert (made["device"], made["networks"], made["unseen"]) == ("IQ-9075", IQ.n, [])


def test_programs_learn_why_there_is_none() -> None:
    made = document(simulated("sa7255p"))
    assert made
    assert made["expected_ms"] is None
    assert "SA8620P" in made["why"]


def test_what_is_not_seen_of_a_cell_is_said() -> None:
    (fast,) = unseen(simulated(time_us=700))
    assert fast.startswith("an inference's start and hand-over")
    pool = OpShare(op="PoolAvg2d", cycles=1, dominant_cycles=1, dominant_percent=90)
    (pools,) = unseen(simulated(time_us=100_000, metrics=metrics(time_us=100_000, top_ops=[pool])))
    assert "nasnet" in pools


def test_of_a_measured_cell_nothing_is_unseen() -> None:
    assert unseen(simulated(time_us=700, origin=Origin.DEVICE)) == []


def test_what_is_not_seen_is_said_once_with_the_cells_it_is_of() -> None:
    ((line, cells),) = unseen_of([simulated(time_us=700), simulated("sm8750", time_us=300)]).items()
    assert line.startswith("an inference's start")
    assert cells == ["mobilenet_v2 on qcs9100", "mobilenet_v2 on sm8750"]


def test_an_estimate_that_leaves_ops_out_says_so_first() -> None:
    made = metrics(time_us=700, top_ops=[], simulation=Simulation(ops_without_cost=28))
    first, second = unseen(simulated(metrics=made))
    assert first == "the estimate is incomplete: 28 ops have no known cost"
    assert second.startswith("an inference's start")


def test_the_simulators_own_interval_is_shown_where_it_has_one() -> None:
    made = metrics(simulation=Simulation(lower_us=208.8, upper_us=262.9))
    assert own_interval(simulated(metrics=made)) == "208.8 µs to 262.9 µs"
    assert own_interval(simulated()) == ""


def test_two_cells_have_their_expectations_beside_each_other() -> None:
    assert change(simulated(), simulated(time_us=2000)) == (
        f"{text_of(1.065)} ms before, {text_of(2.0)} ms after, expected on IQ-9075"
    )


def test_where_one_of_two_cells_has_none_it_says_why() -> None:
    assert change(simulated(), simulated("sm8550")) == "no device was measured for SM8550"
    assert change(simulated(), simulated(origin=Origin.DEVICE)) == ""
