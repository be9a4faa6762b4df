"""Budgets survive the way through Prefect, as a sweep over several sites sends them to each site's deployment."""

from __future__ import annotations

from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools import validate

from fakes.records import spec
from flows.sweep import sweep
from qhas.sweep.spec import SweepSpec


def test_a_sweep_with_budgets_passes_the_prefect_api_whole() -> None:
    budgets = {"total_dram": "20MB", "ops": {"Add": {"at_least": 1}}, "socs": {"sm8750": {"cycles": 5}}}
    sent = spec(budgets={"net": budgets}).model_dump(mode="json")
    validate({"spec": sent}, parameter_schema(sweep).model_dump(), raise_on_error=True)
    assert SweepSpec.model_validate(sent).budgets["net"].limits["total_dram"].at_most == 20_000_000
