"""A run into the history and its verdicts, as a task."""

from __future__ import annotations

import asyncio

from prefect import task

from qhas.runs.record import CellRecord, SweepRecord
from qhas.store import Store
from qhas.verdict import CellVerdict
from qhas.verdict.judge import judge_run
from tasks.policy import STEP


@task(name="judge", task_run_name="judge {run.run_id}", **STEP)
async def judge(store: Store, run: SweepRecord, records: list[CellRecord]) -> list[CellVerdict]:
    """Append the run to the history and judge it against the earlier ones; again after re-runs."""
    return await asyncio.to_thread(judge_run, store, run, records)
