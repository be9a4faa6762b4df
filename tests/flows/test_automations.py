"""The automations in flows/register, registered on a real server with its services and fired by their events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.events import Event, RelatedResource
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.events.schemas.automations import AutomationCore

from bench.resilience.server import PrefectServer
from fakes.records import MOMENT, record, run_record
from flows.register import automations as register
from qhas.devices.quarantine import Quarantined
from qhas.runs import progress
from tasks import events
from tests.flows.test_triggers import trigger

_AGAIN_SECONDS = 30
"""Longer than the ten seconds of silence that one automation is set to wait for."""

NAMES = {
    "qhas regression",
    "qhas device quarantined",
    "qhas nightly ended badly",
    "qhas nightly not over",
    "qhas run without a sign of life",
}


def test_a_message_names_what_its_event_carries() -> None:
    for document in register.documents():
        told = document["notification"]
        assert told["subject"].strip(), document["name"]
        assert "{{" in told["body"], document["name"]


def test_without_a_block_an_automation_does_only_what_its_file_says() -> None:
    made = {one["name"]: register.automation(one, None) for one in register.documents()}
    assert set(made) == NAMES
    assert [action.type for action in made["qhas regression"].actions] == ["do-nothing"]
    assert [action.type for action in made["qhas run without a sign of life"].actions] == [
        "change-flow-run-state"
    ]


def test_with_a_block_every_automation_tells_people() -> None:
    block = "0b4f3a7e-6c1b-4b2c-9a38-1f7a0c7e2d11"
    for document in register.documents():
        actions = register.automation(document, block).actions
        assert actions[-1].type == "send-notification"
        assert "do-nothing" not in {action.type for action in actions}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server with all its services; the one of Prefect's test harness has no triggers."""
    with PrefectServer(tmp_path_factory.mktemp("automations")) as running:
        asyncio.run(_register(running))
        yield running


async def _register(server: PrefectServer) -> None:
    """Register the automations twice: the second time updates them and creates none."""
    async with _client(server) as client:
        for _ in range(2):
            await register.register_automations(client, None)


def _client(server: PrefectServer) -> PrefectClient:
    there, login = server.environment["PREFECT_API_URL"], server.environment["PREFECT_API_AUTH_STRING"]
    return PrefectClient(api=there, auth_string=login)


@pytest.fixture
async def client(server: PrefectServer) -> AsyncIterator[PrefectClient]:
    """A client of that server."""
    async with _client(server) as made:
        yield made


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Events as `tasks.events` creates them, kept for sending to that server."""
    kept: list[Event] = []

    def keep(name: str, resource: dict[str, str], **rest: Any) -> None:
        kept.append(Event.model_validate({"event": name, "resource": resource, **rest}))

    monkeypatch.setattr(events, "emit_event", keep)
    return kept


async def send(client: PrefectClient, *sent: Event) -> None:
    answer = await client._client.post("/events", json=[one.model_dump(mode="json") for one in sent])
    answer.raise_for_status()


async def fired(client: PrefectClient, name: str) -> Event:
    """Wait for the event that says the automation was triggered; return the first one."""
    async with asyncio.timeout(600):
        while True:
            # Created anew each time: a filter only reaches up to the moment of its creation.
            wanted = EventFilter(event=EventNameFilter(name=["prefect.automation.triggered"]))
            page = await client.read_events(wanted, limit=50)
            for one in page.events:
                if one.resource.get("prefect.resource.name") == name:
                    return one
            await asyncio.sleep(0.5)


async def until(condition: Callable[[], Any]) -> None:
    while not await condition():
        await asyncio.sleep(0.5)


async def until_told(client: PrefectClient, condition: Callable[[], Any], *told: Event) -> None:
    """Resend the events until the condition holds: a new automation takes effect late and ignores earlier events."""
    while True:
        now = datetime.now(UTC)
        anew = [
            one.model_copy(update={"id": uuid4(), "occurred": now}) for one in told
        ]  # the same event again would be ignored
        await send(client, *anew)
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_SECONDS):
                return await until(condition)


async def nightly_run(client: PrefectClient) -> FlowRun:
    """Create a run of a deployment named like the nightly's."""
    flow = await client.create_flow_from_name("nightly-sweep")
    deployment = await client.create_deployment(flow, "nightly-sweep")
    return await client.create_flow_run_from_deployment(deployment)


@pytest.mark.server
@pytest.mark.xdist_group("server")
@pytest.mark.slow
class TestOnAServer:
    """The automations on a server with its services."""

    async def test_registering_twice_makes_each_automation_once(self, client: PrefectClient) -> None:
        of_the_comparison = trigger("compare-runs").name  # which another test creates on the same server
        names = [one.name for one in await client.read_automations()]
        assert sorted(name for name in names if name != of_the_comparison) == sorted(NAMES)

    async def test_a_regression_fires_its_automation(self, client: PrefectClient, told: list[Event]) -> None:
        events.regressed(record(), "12% slower", baseline="nightly-0")
        await until_told(client, partial(fired, client, "qhas regression"), *told)

    async def test_a_device_set_aside_fires_its_automation(
        self, client: PrefectClient, told: list[Event]
    ) -> None:
        facts = Quarantined(reason="it hangs", since=MOMENT, until=MOMENT + timedelta(hours=1), failures=3)
        events.emit(progress.DeviceQuarantined("oneplus13", "sm8750", facts))
        await until_told(client, partial(fired, client, "qhas device quarantined"), *told)

    async def test_a_nightly_that_fails_fires_its_automation(self, client: PrefectClient) -> None:
        run = await nightly_run(client)
        await client.set_flow_run_state(
            run.id, State(type=StateType.FAILED, message="1 of 4 cells good."), force=True
        )
        await fired(client, "qhas nightly ended badly")

    async def test_a_nightly_that_ends_starts_its_comparison(
        self, client: PrefectClient, told: list[Event]
    ) -> None:
        made = trigger("compare-runs")
        flow = await client.create_flow_from_name("compare-runs")
        made.set_deployment_id(await client.create_deployment(flow, "compare-runs"))
        await client.create_automation(made.as_automation())
        nightly = {"prefect.resource.id": "prefect.deployment.1", "prefect.resource.role": "deployment"}
        events.sweep_finished(run_record(run_id="nightly-7"), "report.html")
        events.sweep_finished(run_record(run_id="by-hand"), "report.html")
        by_night, by_hand = told
        related = RelatedResource.model_validate(nightly | {"prefect.resource.name": "nightly-sweep"})

        async def started() -> list[FlowRun]:
            runs = await client.read_flow_runs()
            return [run for run in runs if run.parameters == {"after": "nightly-7"}]

        await until_told(client, started, by_hand, by_night.model_copy(update={"related": [related]}))
        assert not [run for run in await client.read_flow_runs() if run.parameters == {"after": "by-hand"}]

    async def test_a_run_without_a_sign_of_life_is_marked_as_crashed(self, client: PrefectClient) -> None:
        (document,) = [one for one in register.documents() if "sign of life" in one["name"]]
        document["trigger"]["within"] = 10  # the file says ten minutes
        (there,) = await client.read_automations_by_name(document["name"])
        await client.update_automation(there.id, AutomationCore.model_validate(document))
        run = await nightly_run(client)
        await client.set_flow_run_state(run.id, State(type=StateType.RUNNING), force=True)
        alive = {"prefect.resource.id": f"prefect.flow-run.{run.id}", "prefect.resource.name": run.name}

        async def crashed() -> bool:
            state = (await client.read_flow_run(run.id)).state
            return state is not None and state.is_crashed()

        await until_told(client, crashed, Event(event="prefect.flow-run.heartbeat", resource=alive))
        assert "No sign of life" in str((await client.read_flow_run(run.id)).state.message)
