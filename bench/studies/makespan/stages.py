"""Prefect as its tutorials use it: map a task over all cells, one stage at a time. The limits are the rack's."""

from __future__ import annotations

import json
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from bench.job import Job
from bench.plain import CALLS, PlainCell, open_cell

Turn = AbstractContextManager[object]


def run(job: Job) -> None:
    """Run every cell in a folder below the job's. Raises the error of a tool that fails."""
    host = threading.Semaphore(job.at_once)
    devices = {soc: threading.Semaphore(job.devices) for soc in job.socs}
    cells = [(open_cell(job, network, soc), soc) for network, soc in job.cells]
    of_devices: list[Turn] = [devices[soc] for _, soc in cells]
    of_host: list[Turn] = [host for _ in cells]

    # One thread per cell, so that a cell waiting for one SoC's devices does not block another SoC's.
    threads: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=len(cells))

    @flow(name="stages", persist_result=False, task_runner=cast("TaskRunner[PrefectFuture[Any]]", threads))
    def stages() -> None:
        for tool, turns in (("prepare", of_host), ("net_run", of_devices), ("view", of_host)):
            step = task(name=tool, cache_policy=NO_CACHE, persist_result=False)(_step)
            futures = [step.submit(cell, tool, turn) for (cell, _), turn in zip(cells, turns, strict=True)]
            wait(futures)
            for future in futures:
                future.result()

    stages()
    calls = {key: cell.calls for key, (cell, _) in zip(job.keys, cells, strict=True)}
    (Path(job.folder) / CALLS).write_text(json.dumps(calls), encoding="utf-8")


def _step(cell: PlainCell, tool: str, turn: Turn) -> None:
    with turn:
        getattr(cell, tool)()
