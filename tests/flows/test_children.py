"""Sites' flow runs, watched and stopped over a server that fails: it is asked again, and none is left running."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging import disable_run_logger
from prefect.states import Completed, Running

from flows import children
from flows.children import Child, stop, watch
from qhas.runs.record import SiteState
from qhas.sweep.sites import SiteRef, SocDevices


def answered(status: int) -> Exception:
    """The error that Prefect's client raises for a status."""
    request = httpx.Request("POST", "http://127.0.0.1:4200/api/flow_runs/filter")
    response = httpx.Response(status, request=request, text="Bad Gateway")
    return PrefectHTTPStatusError.from_httpx_error(
        httpx.HTTPStatusError(f"{status}", request=request, response=response)
    )


@dataclass
class Server:
    """Prefect's client as `children` uses it; each call raises the next error, if there is one left."""

    runs: list[FlowRun]
    reads: list[Exception] = field(default_factory=list)
    sets: list[Exception] = field(default_factory=list)
    told: list[tuple[UUID, str | None]] = field(default_factory=list)

    async def read_flow_runs(self, **_: Any) -> list[FlowRun]:
        if self.reads:
            raise self.reads.pop(0)
        return self.runs

    async def set_flow_run_state(self, run: UUID, state: State, *, force: bool = False) -> None:
        if self.sets:
            raise self.sets.pop(0)
        self.told.append((run, state.name))
        for each in self.runs:
            if each.id == run and (force or state.name == "Cancelling"):
                each.state = state


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No time between two looks; nothing is logged, as there is no flow run to log to."""
    monkeypatch.setattr(children, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(children, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(children, "_GRACE_SECONDS", 0.05)
    with disable_run_logger():
        yield


def run_of(state: State) -> FlowRun:
    return FlowRun(id=uuid4(), flow_id=uuid4(), state=state)


def child_of(run: FlowRun) -> Child:
    return Child(
        SiteRef(name="lab1", deployment="sweep/lab1", socs=[SocDevices(soc="sa8255")]),
        (),
        run,
        monotonic(),
        monotonic(),
    )


PASSING = (408, 429, 500, 502, 503, 504)
FAILURES = [*map(answered, PASSING), httpx.ConnectError("refused")]


async def test_sites_are_watched_on_while_the_server_fails() -> None:
    run = run_of(Completed())
    server, child = Server([run], reads=list(FAILURES)), child_of(run)
    await watch(server, [child])  # type: ignore[arg-type]
    assert child.state is SiteState.FINISHED
    assert server.reads == []


async def test_what_the_server_refuses_ends_the_watch() -> None:
    run = run_of(Completed())
    with pytest.raises(PrefectHTTPStatusError):
        await watch(Server([run], reads=[answered(422)]), [child_of(run)])  # type: ignore[arg-type]


async def test_every_site_is_stopped_also_if_the_server_fails_for_one() -> None:
    runs = [run_of(Running()) for _ in range(3)]
    server = Server(runs, reads=list(FAILURES), sets=[answered(500)])
    await stop(server, [run.id for run in runs])  # type: ignore[arg-type]
    assert [run.state.name for run in runs if run.state] == ["Cancelled"] * 3
    # A worker ends the flow of a run that is cancelling; none would end that of one which only counts as cancelled.
    assert {(run.id, "Cancelling") for run in runs} <= set(server.told)


async def test_a_server_that_fails_to_the_last_fails_the_stop() -> None:
    runs = [run_of(Running()) for _ in range(3)]
    server = Server(runs, sets=[answered(500)] * 1_000_000)
    with pytest.raises(PrefectHTTPStatusError):
        await stop(server, [run.id for run in runs])  # type: ignore[arg-type]


async def test_nothing_is_asked_about_no_sites() -> None:
    await stop(Server([], reads=[answered(422)], sets=[answered(422)]), [])  # type: ignore[arg-type]
