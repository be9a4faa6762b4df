"""Verdicts on a run, with suspicious cells measured a second time before anything is announced."""

from __future__ import annotations

import asyncio

from flows.cell import run_log
from qhas.lab.lab import Lab
from qhas.runs import progress
from qhas.runs.record import CellRecord, SweepRecord
from qhas.verdict import CellVerdict
from qhas.verdict.confirm import confirm
from qhas.verdict.judge import look_at_part
from tasks.report import judge
from tasks.steps import TASKS


async def judge_and_confirm(lab: Lab, run: SweepRecord, records: list[CellRecord]) -> list[CellVerdict]:
    """Return the verdicts on a finished run, after measuring suspicious latencies once more on another lease."""
    verdicts = await judge(lab.store, run, records)
    with progress.listening(run_log()):
        if await confirm(lab, run, records, verdicts, TASKS):
            verdicts = await judge(lab.store, run, records)
    return verdicts


async def confirm_part(lab: Lab, run: SweepRecord, records: list[CellRecord], site: str) -> None:
    """Measure suspicious latencies of a site's cells once more, for the verdicts on the run they are part of."""
    verdicts = await asyncio.to_thread(look_at_part, lab.store, run, records)
    with progress.listening(run_log()):
        await confirm(lab, run, records, verdicts, TASKS, site)
