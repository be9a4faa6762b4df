"""Flow runs on the sites' workers, started and watched by a parent: one per site, each with its part of a sweep."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.deployments import arun_deployment
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventOccurredFilter
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Cancelling, Crashed

from flows.sweep import CELLS_FAILED
from qhas.failures import InvalidInput
from qhas.runs import progress
from qhas.runs.record import SiteState
from qhas.sweep.sites import Part, SiteRef
from qhas.sweep.spec import Cell, SweepSpec

_POLL_SECONDS = 2.0
_LOOK_SECONDS = 0.5
"""How often to look for the end of a run that was cancelled."""
_GRACE_SECONDS = 20.0
"""A cancelled run whose worker does not answer in this time is declared cancelled."""
_LATER = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)
"""Refusals that are not for good, as of a proxy before the server; Prefect's client gives up after about a minute."""
_ENDS = {
    StateType.COMPLETED: SiteState.FINISHED,
    StateType.FAILED: SiteState.FAILED,
    StateType.CRASHED: SiteState.FAILED,
    StateType.CANCELLED: SiteState.CANCELLED,
}
_GONE = "Its flow run was deleted."


@dataclass
class Child:
    """The flow run of a site, as it was last seen, and how it ended."""

    site: SiteRef
    cells: tuple[Cell, ...]
    flow_run: FlowRun
    waiting_since: float
    heard: float
    """When it was last known to be alive; like `waiting_since`, in monotonic seconds."""
    state: SiteState | None = None
    why: str | None = None

    def end(self, state: SiteState, why: str | None = None) -> None:
        """Record how it ended; it is not looked at again."""
        self.state, self.why = state, why


async def require_deployments(client: PrefectClient, sites: Collection[SiteRef]) -> None:
    """Raise InvalidInput if a site's deployment is not on the server, or cannot run a part of a sweep."""
    for site in sites:
        try:
            deployment = await client.read_deployment_by_name(site.deployment)
        except ObjectNotFound as error:
            raise InvalidInput(
                f"Site {site.name}: the Prefect server has no deployment {site.deployment}; "
                "add it to prefect.yaml and run `prefect deploy --all`."
            ) from error
        if "part" not in (deployment.parameter_openapi_schema or {}).get("properties", {}):
            raise InvalidInput(
                f"Site {site.name}: deployment {site.deployment} cannot run a part of a sweep; "
                "deploy the flow `sweep` of this version."
            )


async def stop_leftovers(client: PrefectClient, run_id: str) -> None:
    """Stop the sites' flow runs of an earlier try whose parent died, or two would run the same cells."""
    alive = [kind for kind in StateType if kind not in TERMINAL_STATES]
    left = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[run_id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=alive)),
        )
    )
    if left:
        get_run_logger().warning("Stopping %d flow runs of an earlier try of run %s.", len(left), run_id)
        await stop(client, [run.id for run in left])


async def start(
    spec: SweepSpec, run_id: str, plan: Sequence[Cell], site: SiteRef, cells: tuple[Cell, ...]
) -> Child:
    """Ask the site's workers to run these cells. Raises InvalidInput if the server refuses the parameters."""
    parameters = {
        "spec": spec.model_dump(mode="json"),
        "run_id": run_id,
        "part": Part.of(site.name, cells, plan).model_dump(mode="json"),
    }
    try:
        flow_run = await arun_deployment(
            site.deployment,
            parameters=parameters | ({"site": site.site} if site.site else {}),
            flow_run_name=f"{spec.name} at {site.name}",  # the name that it gives itself when it starts
            tags=[run_id],
            timeout=0,
            as_subflow=True,
        )
    except PrefectHTTPStatusError as error:
        if _may_pass(error.response):
            raise
        raise InvalidInput(
            f"Site {site.name}: the server refuses to run {site.deployment}: {error.response.text}"
        ) from error
    return Child(site, cells, flow_run, waiting_since=monotonic(), heard=monotonic())


async def watch(client: PrefectClient, children: Sequence[Child]) -> None:
    """Return when every child has ended, by itself, because no worker took it, or because its host is gone."""
    while running := [child for child in children if child.state is None]:
        await asyncio.sleep(_POLL_SECONDS)
        with _server_may_fail():
            seen = await _read(client, [child.flow_run.id for child in running])
            for child in running:
                await _look(client, child, seen.get(child.flow_run.id))


async def stop(client: PrefectClient, ids: Collection[UUID]) -> None:
    """Cancel flow runs and wait for their end; those that no worker ends any more are declared cancelled.

    Raises httpx.HTTPError if the server fails to the last.
    """
    alive, untold, until = list(ids), list(ids), monotonic() + _GRACE_SECONDS
    while alive and monotonic() < until:
        with _server_may_fail():
            await _set_all(client, untold, Cancelling())
            untold = []
            alive = [each.id for each in (await _read(client, ids)).values() if not _is_over(each)]
        await asyncio.sleep(_LOOK_SECONDS if alive else 0)
    await _set_all(client, alive, Cancelled(message="Cancelled; no worker answered."), force=True)


async def _set_all(client: PrefectClient, ids: Sequence[UUID], state: State, *, force: bool = False) -> None:
    """Set the state of each run that still exists, also if the server fails for one of them; then raise its error."""
    asked = (client.set_flow_run_state(each, state, force=force) for each in ids)
    for answer in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(answer, BaseException) and not isinstance(answer, ObjectNotFound):
            raise answer


@contextmanager
def _server_may_fail() -> Iterator[None]:
    """Outlast a server that does not answer, or fails: the sites carry on without it, and so do we."""
    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError) as error:
        if isinstance(error, httpx.HTTPStatusError) and not _may_pass(error.response):
            raise
        reason = str(error).partition("\n")[0]
        get_run_logger().warning("Prefect's API does not answer (%s); retrying.", reason)


def _may_pass(response: httpx.Response) -> bool:
    return response.is_server_error or response.status_code in _LATER


async def _look(client: PrefectClient, child: Child, flow_run: FlowRun | None) -> None:
    if flow_run is None or flow_run.state is None:
        child.end(SiteState.LOST, _GONE)
        return
    _log_change(child, flow_run)
    child.flow_run, state = flow_run, flow_run.state
    if state.name == CELLS_FAILED:
        child.end(SiteState.FINISHED)
    elif state.is_final():
        child.end(_ENDS[state.type], None if state.is_completed() else state.message or f"{state.name}.")
    elif state.type in (StateType.SCHEDULED, StateType.PENDING):
        child.heard = monotonic()
        await _be_patient(client, child)
    elif monotonic() - child.heard > child.site.silence_seconds:
        await _listen(client, child)


async def _be_patient(client: PrefectClient, child: Child) -> None:
    """Stop a child that no worker takes in time; not one that waits for a slot, since its worker has answered."""
    state, patience = child.flow_run.state, child.site.patience_seconds
    if state and state.name == "AwaitingConcurrencySlot":
        child.waiting_since = monotonic()
    elif monotonic() - child.waiting_since > patience:
        await stop(client, [child.flow_run.id])
        child.end(SiteState.NOT_STARTED, f"No worker took it within {patience:g} s.")


async def _listen(client: PrefectClient, child: Child) -> None:
    """Declare the child lost if it shows no sign of life, which is any event of its run or of the run's tasks.

    Prefect sends one at least every three minutes.
    """
    silence, now = child.site.silence_seconds, datetime.now(UTC)
    signs = await client.read_events(
        EventFilter(
            any_resource=EventAnyResourceFilter(id=[f"prefect.flow-run.{child.flow_run.id}"]),
            occurred=EventOccurredFilter.model_validate({"since": now - timedelta(seconds=silence)}),
        ),
        limit=1,
    )
    if signs.events:
        child.heard = monotonic() - (now - signs.events[0].occurred).total_seconds()
        return
    why = f"No sign of life for {silence:g} s: its host is gone."
    await client.set_flow_run_state(child.flow_run.id, Crashed(message=why), force=True)
    child.end(SiteState.LOST, why)


async def _read(client: PrefectClient, ids: Collection[UUID]) -> Mapping[UUID, FlowRun]:
    runs = await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(ids))))
    return {run.id: run for run in runs}


def _is_over(flow_run: FlowRun) -> bool:
    return flow_run.state is not None and flow_run.state.is_final()


def _log_change(child: Child, flow_run: FlowRun) -> None:
    before, now = child.flow_run.state, flow_run.state
    if now and (before is None or before.name != now.name):
        progress.report(progress.SiteChanged(child.site.name, str(now.name)))
        get_run_logger().info("Site %s: %s. %s", child.site.name, now.name, now.message or "")
