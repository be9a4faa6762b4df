"""The forms of the flows: what they show and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate

from fakes.records import spec
from flows.accept import accept_change
from flows.batch import batch_profile
from flows.bisect import bisect
from flows.compare import compare_runs
from flows.nightly import nightly_sweep
from flows.profile import profile
from flows.sites import sweep_sites
from flows.sweep import sweep
from flows.upkeep import flight_check, prune_store, verify_store
from qhas.machine.secrets import is_secret
from qhas.sweep import budget

FLOWS = {
    flow.name: flow
    for flow in (
        accept_change,
        batch_profile,
        bisect,
        compare_runs,
        flight_check,
        nightly_sweep,
        profile,
        prune_store,
        sweep,
        sweep_sites,
        verify_store,
    )
}


OF_FILES = {"budgets", "ops", "input_ranges", "graph_inputs", "shapes"}
"""Fields keyed by names that no form can list: written in sweep files, or sent by programs as part of a spec."""


def schema(name: str) -> dict[str, Any]:
    """Return a flow's parameter schema as it is deployed."""
    return parameter_schema(FLOWS[name]).model_dump()


def fields(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field of a form, including nested ones.

    Budgets are left out: only a whole sweep sent by a program has them, by network, by SoC and by op.
    """
    whole = schema(name)
    yield from whole["properties"].items()
    for model, definition in whole["definitions"].items():
        if not hasattr(budget, model):
            yield from definition.get("properties", {}).items()


def refused(name: str, **parameters: Any) -> str:
    """Return why the API refuses the parameters."""
    with pytest.raises(ValidationError) as error:
        validate(parameters, schema(name), raise_on_error=True)
    return str(error.value)


@pytest.mark.parametrize("name", FLOWS)
def test_every_parameter_has_a_title_and_help(name: str) -> None:
    for parameter, field in schema(name)["properties"].items():
        assert field["title"] != parameter, parameter
        assert field["description"], parameter


@pytest.mark.parametrize("name", FLOWS)
def test_parameters_stand_in_the_order_of_the_flow(name: str) -> None:
    positions = [field["position"] for field in schema(name)["properties"].values()]
    assert positions == sorted(positions)


@pytest.mark.parametrize("name", FLOWS)
def test_no_field_is_a_free_dict_a_secret_or_without_choice(name: str) -> None:
    for field, facts in fields(name):
        if field in OF_FILES or "patternProperties" in facts:
            continue
        assert "additionalProperties" not in facts, field
        assert facts.get("type") != "object", field
        assert "const" not in facts, field
        assert len(facts.get("enum", "ab")) > 1, field
        assert not is_secret(field), field


@pytest.mark.parametrize("name", FLOWS)
def test_what_a_form_starts_with_is_accepted(name: str) -> None:
    given = {
        field: facts["default"] for field, facts in schema(name)["properties"].items() if "default" in facts
    }
    validate(given, schema(name), raise_on_error=True, ignore_required=True)


def test_the_form_of_a_network_offers_enums_and_states_bounds() -> None:
    whole = schema("profile")
    listed, another = whole["properties"]["soc"]["anyOf"]
    assert "sm8750" in listed["enum"]
    assert another["pattern"]
    assert "burst" in whole["definitions"]["PerfProfile"]["enum"]
    repetitions = whole["definitions"]["RunOptions"]["properties"]["repetitions"]
    assert (repetitions["minimum"], repetitions["maximum"]) == (0, 100_000)
    assert "0 to 100000" in repetitions["description"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "'dlc' is a required property"),
        ({"dlc": "x.dlc"}, "'soc' is a required property"),
        ({"dlc": "", "soc": "sm8750"}, "dlc"),
        ({"dlc": "x.dlc", "soc": "no such; soc"}, "soc"),
        ({"dlc": "x.dlc", "soc": "sm8750", "prepare": {"optimization_level": 9}}, "optimization_level"),
        ({"dlc": "x.dlc", "soc": "sm8750", "run": {"perf_profile": "fast"}}, "perf_profile"),
        ({"dlc": "x.dlc", "soc": "sm8750", "run": {"repetition": 3}}, "repetition"),
        ({"dlc": "x.dlc", "soc": "sm8750", "run_id": "../x"}, "run_id"),
        ({"dlc": "x.dlc", "soc": "sm8750", "site": "site.txt"}, "site"),
    ],
)
def test_wrong_parameters_of_a_network_are_refused_by_name(wrong: dict[str, Any], told: str) -> None:
    assert told in refused("profile", **wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"models": []}, "models"),
        ({"models": [{"name": "a/b", "dlc": "x"}]}, "name"),
        ({"models": [{"name": "a", "dlc": "x"}], "variants": {"vtcm_mb": [65]}}, "vtcm_mb"),
        ({"models": [{"name": "a", "dlc": "x"}], "socs": ["sm9999"]}, "socs"),
    ],
)
def test_wrong_parameters_of_a_batch_are_refused_by_name(wrong: dict[str, Any], told: str) -> None:
    assert told in refused("batch-profile", **wrong)


def test_a_spec_as_a_program_sends_it_is_accepted() -> None:
    sent = json.loads(spec(exclude=[{"soc": "sa8255"}]).model_dump_json())
    validate({"spec": sent, "run_id": "nightly-1"}, schema("sweep"), raise_on_error=True)
