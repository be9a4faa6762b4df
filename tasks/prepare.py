"""Graph-prepare as a task."""

from __future__ import annotations

from prefect import task

from qhas.cell import prepare as steps
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from tasks.policy import STEP


@task(name="graph-prepare", task_run_name="graph-prepare {work.cell.label}", **STEP)
async def prepare_graph(work: CellWork) -> Prepared:
    """DLC to prepared DLC and schematic, or the same from the store."""
    return await steps.prepare_graph(work)
