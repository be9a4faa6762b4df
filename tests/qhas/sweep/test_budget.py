"""Budgets: what their authors may write, and which figures of a cell exceed them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fakes.records import metrics, runtrace, spec
from qhas.failures import InvalidInput
from qhas.profile.figures import Profile
from qhas.profile.metrics import Latency
from qhas.profile.origin import Origin
from qhas.runs.budgets import check_budget
from qhas.runs.record import BudgetState
from qhas.sweep.budget import Budget, NetworkBudget
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import SweepSpec, load_sweep
from tests.documents import write_yaml

SWEEP: dict[str, Any] = {
    "name": "nightly",
    "models": [{"name": "net", "dlc": "net.dlc"}],
    "socs": ["sa8255", "sm8750"],
}


def sweep(budgets: dict[str, Any], folder: Path) -> SweepSpec:
    return load_sweep(write_yaml(folder / "sweep.yaml", SWEEP | {"budgets": budgets}))


def states(
    budget: dict[str, Any], origin: Origin = Origin.SIMULATOR, **figures: Any
) -> dict[str, BudgetState]:
    results = check_budget(Budget.model_validate(budget), Profile(metrics(**figures)), origin)
    return {result.figure: result.state for result in results}


@pytest.mark.parametrize(
    ("written", "at_most"),
    [("20MB", 20_000_000), ("20 MB", 20_000_000), ("2MiB", 2 << 20), (4096, 4096), ("1.5kB", 1500)],
    ids=str,
)
def test_sizes_take_units(written: object, at_most: int) -> None:
    limit = Budget.model_validate({"total_dram": written}).limits["total_dram"]
    assert (limit.at_most, limit.at_least) == (at_most, None)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"net": {"time": 5}}, r"budgets\.net\.time: no such key; choose from latency_us, time_us, graph_us"),
        ({"net": {"ops": {"Conv2d": {"most": 5}}}}, r"most: no such key; choose from at_most, at_least"),
        ({"net": {"total_dram": "20 lightyears"}}, r"budgets.net.total_dram"),
        ({"net": {"time_us": -1}}, r"budgets.net.time_us.at_most"),
        ({"net": {"time_us": True}}, r"budgets.net.time_us"),
        ({"net": {"qnn_nodes": {}}}, r"a limit names at_most, at_least or both"),
        ({"net": {"qnn_nodes": {"at_most": 1, "at_least": 2}}}, r"at_least 2 is more than at_most 1"),
        ({"nte": {"time_us": 5}}, r"a model 'nte' that the sweep does not have; choose from net"),
        ({"net": {"socs": {"sa8797": {"time_us": 5}}}}, r"a SoC 'sa8797' .* choose from sa8255, sm8750"),
        ({"net": {"socs": {"sa8255": {"tme_us": 5}}}}, r"socs\.sa8255\.tme_us: no such key; choose from"),
        ({"net": {"origin": "guess"}}, r"budgets.net.origin"),
        ({"net": {"ops": {"conv2d": 5}}}, r"no op type is called 'conv2d'; Conv2d is"),
        ({"net": {"ops": {"DepthwiseConv2D": 5}}}, r"'DepthwiseConv2D'; DepthWiseConv2d is"),
        ({"net": {"socs": {"sa8255": {"ops": {"Tranpose": 0}}}}}, r"'Tranpose'; Transpose is"),
        ({"net": {"total_dram": "20,0MB"}}, r"'20,0MB' is not a size; .* with a point for decimals"),
        ({"net": {"total_dram": {"at_most": "20MB or so"}}}, r"'20MB or so' is not a size"),
        ({"net": {"time_us": None}}, r"budgets\.net\.time_us: there is no value"),
        ({"net": {"ops": {"Conv2d": None}}}, r"budgets\.net\.ops\.Conv2d: there is no value"),
        ({"net": {"time_us": {"at_most": None}}}, r"budgets\.net\.time_us\.at_most: there is no value"),
        ({"net": None}, r"budgets\.net: there is no value"),
        ({"net": {"total_dram": ""}}, r"budgets\.net\.total_dram: there is no value"),
    ],
    ids=str,
)
def test_a_budget_that_cannot_be_meant_is_refused_with_what_could_be(
    budget: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        sweep(budget, tmp_path)


def test_a_socs_own_limits_stand_beside_those_of_the_network(tmp_path: Path) -> None:
    written = {
        "reference_ops": 0,
        "time_us": 900,
        "ops": {"Conv2d": 3},
        "socs": {"sa8255": {"time_us": 500, "ops": {"Add": 1}}},
    }
    plan = plan_sweep(sweep({"net": written}, tmp_path), look_up=False)
    limits = {
        cell.soc: {name: limit.at_most for name, limit in cell.budget.limits.items()} for cell in plan.cells
    }
    assert limits == {
        "sa8255": {"time_us": 500, "reference_ops": 0, "ops.Conv2d": 3, "ops.Add": 1},
        "sm8750": {"time_us": 900, "reference_ops": 0, "ops.Conv2d": 3},
    }


def test_a_model_without_a_budget_has_no_limits() -> None:
    (cell,) = plan_sweep(spec(), look_up=False).cells
    assert cell.budget.limits == {}


def test_what_is_within_is_kept_and_the_limit_itself_is_within() -> None:
    assert states({"time_us": 1371, "reference_ops": 0, "total_dram": "26.4MB"}) == {
        "time_us": BudgetState.KEPT,
        "reference_ops": BudgetState.KEPT,
        "total_dram": BudgetState.KEPT,
    }


@pytest.mark.parametrize(
    "budget",
    [
        {"time_us": 1370},
        {"cycles": 1_000_000},
        {"total_dram": "26.3MB"},
        {"dram_read": "25MB"},
        {"dram_write": "0.3MB"},
        {"peak_vtcm": "2MiB"},
        {"format_changes": 1},
        {"htp_nodes": 39},
        {"qnn_nodes": {"at_least": 12}},
        {"ops": {"Conv2d": 56}},
        {"ops": {"Softmax": {"at_least": 1}}},
    ],
    ids=str,
)
def test_every_figure_can_be_over(budget: dict[str, Any]) -> None:
    assert set(states(budget, op_counts={"Conv2d": 57}).values()) == {BudgetState.OVER}


def test_a_figure_that_is_not_there_does_not_pass() -> None:
    assert states({"ops": {"Conv2d": 57}}, op_counts=None) == {"ops.Conv2d": BudgetState.NO_FIGURE}
    (result,) = check_budget(Budget.model_validate({"latency_us": 5}), Profile(metrics()), Origin.DEVICE)
    assert result.broken


def test_a_latency_is_judged_where_one_is_measured_and_nowhere_else() -> None:
    budget = Budget.model_validate({"latency_us": 5})
    measured = Latency(
        samples_us=[9.0], median_us=9.0, p90_us=9.0, min_us=9.0, warmups=0, perf_profile="burst", source="t"
    )
    (over,) = check_budget(budget, Profile(metrics(), measured), Origin.DEVICE)
    (simulated,) = check_budget(budget, Profile(metrics()), Origin.SIMULATOR)
    assert (over.state, simulated.state) == (BudgetState.OVER, BudgetState.NOT_JUDGED)


@pytest.mark.parametrize(("graph_us", "state"), [(500, BudgetState.KEPT), (501, BudgetState.OVER)])
def test_power_up_of_a_device_is_nobodys_budget(graph_us: int, state: BudgetState) -> None:
    assert states({"time_us": 500}, Origin.DEVICE, time_us=1371, graph_us=graph_us) == {"time_us": state}
    assert states({"time_us": 500}, Origin.SIMULATOR, time_us=1371, graph_us=graph_us) == {
        "time_us": BudgetState.OVER
    }


def test_a_warm_time_is_judged_where_one_is_measured() -> None:
    budget = Budget.model_validate({"warm_us": 300})
    (over,) = check_budget(budget, Profile(metrics(), runtrace=runtrace(warm_us=350)), Origin.DEVICE)
    (missing,) = check_budget(budget, Profile(metrics()), Origin.DEVICE)
    (simulated,) = check_budget(budget, Profile(metrics()), Origin.SIMULATOR)
    assert [one.state for one in (over, missing, simulated)] == [
        BudgetState.OVER,
        BudgetState.NO_FIGURE,
        BudgetState.NOT_JUDGED,
    ]


def test_figures_of_another_origin_than_the_budgets_are_not_judged() -> None:
    budget = {"time_us": 1, "origin": "device"}
    assert states(budget) == {"time_us": BudgetState.NOT_JUDGED}
    assert states(budget, Origin.DEVICE) == {"time_us": BudgetState.OVER}


def test_the_sentence_says_what_is_allowed_and_where_the_figure_comes_from() -> None:
    (result,) = check_budget(Budget.model_validate({"time_us": 500}), Profile(metrics()), Origin.SIMULATOR)
    assert result.sentence == "time_us: 1,371 µs (simulated); allowed: at most 500 µs."


def test_a_budget_survives_the_record() -> None:
    (cell,) = plan_sweep(
        spec(budgets={"net": {"total_dram": "20MB", "ops": {"Add": 2}}}), look_up=False
    ).cells
    assert type(cell).model_validate_json(cell.model_dump_json()) == cell


@pytest.mark.parametrize("value", [20, "20MB", {"at_least": 3, "at_most": None}], ids=str)
def test_what_a_budget_takes_the_schema_of_forms_takes_too(value: object) -> None:
    import jsonschema

    schema = TypeAdapter(NetworkBudget).json_schema()
    jsonschema.validate({"total_dram": value}, schema)
    NetworkBudget.model_validate({"total_dram": value})


def test_the_schema_refuses_what_the_model_refuses() -> None:
    import jsonschema

    schema = TypeAdapter(NetworkBudget).json_schema()
    for wrong in ({"time_us": "soon"}, {"time_us": {"most": 3}}, {"tme": 3}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
        with pytest.raises(ValidationError):
            NetworkBudget.model_validate(wrong)


@pytest.mark.parametrize(
    ("budget", "figures", "sentence"),
    [
        ({"time_us": 80}, {"time_us": 80.92}, "time_us: 80.9"),
        (
            {"time_us": 1000},
            {"time_us": 1000.02},
            "time_us: 1,000.02 µs (simulated); allowed: at most 1,000 µs.",
        ),
        (
            {"dram_read": "20MB"},
            {"dram_read": 20_010_000},
            "dram_read: 20,010,000 B (simulated); allowed: at most 20,000,000 B.",
        ),
    ],
)
def test_a_figure_just_over_its_limit_fails_and_reads_so(
    budget: dict[str, Any], figures: dict[str, Any], sentence: str
) -> None:
    (result,) = check_budget(Budget.model_validate(budget), Profile(metrics(**figures)), Origin.SIMULATOR)
    assert result.state is BudgetState.OVER
    assert result.sentence.startswith(sentence)


def test_an_op_type_that_nothing_is_called_is_no_figure_and_the_ops_are_named() -> None:
    budget = Budget.model_validate({"ops": {"MyKernel": 3, "Softmax": 0}})
    own, softmax = check_budget(
        budget, Profile(metrics(op_counts={"Conv2d": 9, "Relu": 2})), Origin.SIMULATOR
    )
    assert (own.state, softmax.state) == (BudgetState.NO_FIGURE, BudgetState.KEPT)
    assert "the cell's ops are Conv2d, Relu" in own.sentence
