"""The triggers of prefect.yaml, read by Prefect's own models: what fires them, and that their runs are accepted."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import jinja2
import pytest
import yaml
from prefect.cli.deploy._triggers import _initialize_deployment_triggers
from prefect.events import Event
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import validate

from fakes.records import record, run_record
from tasks import events
from tests.flows.conftest import ROOT

pytestmark = pytest.mark.xdist_group("server")  # where Prefect is already imported
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    each["name"]: each for each in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Events as `tasks.events` creates them."""
    kept: list[Event] = []

    def keep(name: str, resource: dict[str, str], **rest: Any) -> None:
        kept.append(Event.model_validate({"event": name, "resource": resource, **rest}))

    monkeypatch.setattr(events, "emit_event", keep)
    return kept


def trigger(deployment: str) -> DeploymentEventTrigger:
    """Return the one trigger of a deployment, as `prefect deploy` reads it."""
    (made,) = _initialize_deployment_triggers(deployment, [dict(DEPLOYMENTS[deployment]["triggers"][0])])
    assert isinstance(made, DeploymentEventTrigger)
    return made


def asked(deployment: str, event: Event) -> dict[str, str]:
    """Return the parameters that the trigger gives a run for an event."""
    templates = trigger(deployment).parameters or {}
    return {name: jinja2.Template(text).render(event=event) for name, text in templates.items()}


def require_taken(deployment: str, parameters: dict[str, str]) -> None:
    module, _, name = DEPLOYMENTS[deployment]["entrypoint"].rpartition(".")
    schema = parameter_schema(getattr(import_module(module), name)).model_dump()
    validate(parameters, schema, raise_on_error=True)


def test_only_what_is_meant_to_start_by_itself_has_triggers() -> None:
    assert {name for name, each in DEPLOYMENTS.items() if each.get("triggers")} == {"compare-runs", "bisect"}


def test_a_nightly_that_has_ended_is_compared(told: list[Event]) -> None:
    events.sweep_finished(run_record(run_id="nightly-20261129"), "report.html")
    made = trigger("compare-runs")
    assert made.expect == {told[0].event}
    assert made.match.matches(told[0].resource)
    parameters = asked("compare-runs", told[0])
    assert parameters == {"after": "nightly-20261129"}
    require_taken("compare-runs", parameters)


@pytest.mark.parametrize("baseline", ["nightly-0", ""])
def test_a_regression_is_bisected_against_the_run_that_it_was_held_against(
    told: list[Event], baseline: str
) -> None:
    events.regressed(record(), "12% slower", baseline=baseline)
    made = trigger("bisect")
    assert made.expect == {told[0].event}
    assert made.match.matches(told[0].resource)
    parameters = asked("bisect", told[0])
    assert parameters == {"run_id": "nightly-1", "cell": "net/sm8750/default", "good": baseline}
    require_taken("bisect", parameters)


@pytest.mark.parametrize("deployment", ["compare-runs", "bisect"])
def test_only_the_nightly_fires_them_so_that_no_run_of_theirs_starts_another(deployment: str) -> None:
    (each,) = DEPLOYMENTS[deployment]["triggers"]
    assert each["match_related"] == {
        "prefect.resource.role": "deployment",
        "prefect.resource.name": "nightly-sweep",
    }


def test_their_automations_run_the_deployment() -> None:
    for deployment in ("compare-runs", "bisect"):
        made = trigger(deployment)
        made.set_deployment_id("0b4f3a7e-6c1b-4b2c-9a38-1f7a0c7e2d11")
        (action,) = made.as_automation().actions
        assert action.type == "run-deployment"
