"""The whole sweep flow, on the Prefect server that PREFECT_API_URL names."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import State

from bench.job import Job
from bench.request import site_of, spec_of
from flows.sweep import sweep
from qhas.runs import progress


def run(job: Job) -> float:
    """Run the sweep; return the seconds before its first cell and after its last.

    Raises RuntimeError if a cell failed.
    """
    site = Path(job.folder) / "site.json"  # JSON is YAML
    site.write_text(site_of(job).model_dump_json(), encoding="utf-8")
    moments: list[float] = [time.perf_counter()]
    with progress.listening(lambda event: _note(event, moments)):
        state = asyncio.run(_sweep(job, site))
    moments.append(time.perf_counter())
    if not state.is_completed():
        raise RuntimeError(f"The sweep ended as {state.name}: {state.message}")
    began, cells_began, *_, cells_ended, ended = moments
    return (cells_began - began) + (ended - cells_ended)


async def _sweep(job: Job, site: Path) -> State[Any]:
    # A flow that itself returns a state is typed as returning the state of a state.
    state: State[Any] = await sweep(spec_of(job), site=str(site), run_id=job.run_id, return_state=True)
    return state


def _note(event: progress.Event, moments: list[float]) -> None:
    if not isinstance(event, progress.StepStarted):
        moments.append(time.perf_counter())
