"""Flow runs of a run's earlier tries whose process died: Prefect believes them to run until somebody says otherwise.

A command's process has no worker that would report its death. The next try of the run does: it alone runs the run
(`qhas.runs.sole_runner`), so what earlier tries left running is dead, on whatever host it was.
"""

from __future__ import annotations

from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Crashed

from qhas.runs import progress
from qhas.runs.record import SweepRecord

_AT_ONCE = 100
"""Earlier tries that are looked at, the last ones."""


async def declare_crashed(run: SweepRecord) -> None:
    """Set the flow runs of earlier tries that nobody ended to Crashed. Only for the sole runner of the run."""
    earlier = [each for each in run.flow_runs if each != flow_run.id]
    if not earlier:
        return
    message = f"Its process died; flow run {flow_run.id} goes on with run {run.run_id}."
    unfinished = FlowRunFilter(
        id=FlowRunFilterId(any_=[UUID(each) for each in earlier[-_AT_ONCE:]]),
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
        ),
    )
    try:
        async with get_client() as client:
            for dead in await client.read_flow_runs(flow_run_filter=unfinished):
                await client.set_flow_run_state(dead.id, Crashed(message=message), force=True)
    except (httpx.HTTPError, ObjectNotFound, ValueError) as error:  # the run is as good without
        get_run_logger().warning("Flow runs of earlier tries could not be declared crashed: %s", error)


def tell_waiting(reason: str) -> None:
    """Say, in the flow run's log and to who listens, why the run does not begin yet."""
    get_run_logger().warning("%s", reason)
    progress.report(progress.RunWaiting(reason))
