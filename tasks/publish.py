"""Publication as a task."""

from __future__ import annotations

from prefect import task

from qhas.cell import publish as steps
from qhas.cell.work import CellWork
from qhas.runs.record import CellRecord
from tasks.policy import STEP


@task(name="publish", task_run_name="publish {work.cell.label}", **STEP)
async def publish_cell(work: CellWork) -> CellRecord:
    """Artifacts to the store, the record last."""
    return await steps.publish_cell(work)
