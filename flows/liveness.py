"""Flow runs of a run's earlier tries whose process died: Prefect believes they run until told otherwise.

A command's process has no worker that would report its death. The next try of the run reports it: it is the run's sole
runner (`qhas.runs.sole_runner`), so any flow run that earlier tries left running is dead, whatever host it was on.
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
"""How many earlier tries are looked at, the latest ones."""


async def declare_crashed(run: SweepRecord) -> None:
    """Set unfinished flow runs of earlier tries to Crashed. Only for the sole runner of the run."""
    earlier = [each for each in run.flow_runs if each != flow_run.id]
    if not earlier:
        return
    message = f"Its process died; flow run {flow_run.id} continues run {run.run_id}."
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
    except (httpx.HTTPError, ObjectNotFound, ValueError) as error:  # the run does not depend on it
        get_run_logger().warning("Flow runs of earlier tries could not be declared crashed: %s", error)


def report_waiting(reason: str) -> None:
    """Report, in the flow run's log and to listeners, why the run does not begin yet."""
    get_run_logger().warning("%s", reason)
    progress.report(progress.RunWaiting(reason))
