"""What cells need in common is made by one of them, in this process or on any host; the others wait and say for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from qhas.cell.prepared import PreparedGraphs
from qhas.cell.work import CellWork


@asynccontextmanager
async def turn(
    work: CellWork, key: str, folder: Path, doing: str
) -> AsyncIterator[tuple[PreparedGraphs, list[str] | None]]:
    """Yield where the files of a key are kept, and their names, copied into the folder; no names if the caller makes them.

    The caller publishes them within the block. `doing` says what makes them, as in "preparing the same graph". Raises
    StoreError.
    """
    kept = PreparedGraphs(work.lab.store)
    async with (
        work.lab.lock(f"prepared {key}"),
        kept.turn(key, folder, lambda host: work.report_wait(host, doing)) as stored,
    ):
        yield kept, stored
