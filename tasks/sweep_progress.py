"""The progress of a sweep as an artifact of its flow run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from qhas.runs import progress
from qhas.runs.record import SweepRecord
from tasks.artifacts import artifact_key

_SECONDS = 5.0
"""The shortest time between two updates. With one for each whole percent, there are never more than a hundred."""


class _Tally:
    """Counts the cells of a run as they end."""

    def __init__(self, run_id: str, cells: int, done: int) -> None:
        self._run_id, self._cells, self._done, self._failed = run_id, cells, done, 0

    def __call__(self, event: progress.Event) -> None:
        if isinstance(event, progress.CellFinished):
            self._done += 1
            self._failed += not event.record.good

    @property
    def percent(self) -> int:
        return 100 * self._done // self._cells

    def __str__(self) -> str:
        return f"{self._done} of {self._cells} cells, {self._failed} failed. Run {self._run_id}"


@asynccontextmanager
async def shown_progress(run: SweepRecord, cells: int, done: int) -> AsyncIterator[None]:
    """Keep a progress artifact while the block runs its cells, of which `done` were finished before.

    It neither delays nor fails a cell: an update that cannot be shown is logged.
    """
    tally, over = _Tally(run.run_id, cells, done), asyncio.Event()
    with progress.listening(tally):
        showing = asyncio.create_task(_show(artifact_key(f"{run.spec.name}-progress"), tally, over))
        try:
            yield
        finally:
            over.set()
            await asyncio.wait([showing], timeout=_SECONDS)
            showing.cancel()


async def _show(key: str, tally: _Tally, over: asyncio.Event) -> None:
    artifact: UUID | None = None
    shown = -1
    while not over.is_set():
        if tally.percent != shown:
            shown = tally.percent
            artifact = await _put(key, tally, artifact)
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), _SECONDS)
    await _put(key, tally, artifact)


async def _put(key: str, tally: _Tally, artifact: UUID | None) -> UUID | None:
    try:
        if artifact is None:
            return await acreate_progress_artifact(float(tally.percent), key, str(tally))
        return await aupdate_progress_artifact(artifact, float(tally.percent), str(tally))
    except (httpx.HTTPError, PrefectException) as error:
        get_run_logger().warning("The progress cannot be shown: %s", error)
        return artifact
