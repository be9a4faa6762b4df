"""The real flow of a cell without a Prefect server: its tasks' functions, retried as the tasks' policy says.

`python -m tests.rack.drive SITE RUN_ID CELLS` is a process of its own that runs the cells of a JSON file and prints
their records as JSON lines, as a sweep or a profile of another user would be.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from prefect.tasks import Task

import flows.cell
from qhas.failures import StepFailed, worth_another_attempt
from qhas.lab.lab import Lab, open_lab
from qhas.runs.record import CellRecord
from qhas.site import load_site
from qhas.sweep.spec import Cell


async def run_cell(cell: Cell, lab: Lab, run_id: str) -> CellRecord:
    """Take a cell to its end; its record."""
    (record,) = await run_cells([cell], lab, run_id)
    return record


async def run_cells(cells: list[Cell], lab: Lab, run_id: str) -> list[CellRecord]:
    """The cells of a sweep, side by side as far as devices allow."""
    with _without_prefect():
        return await flows.cell.profile_cells(cells, lab, run_id)


@contextmanager
def _without_prefect() -> Iterator[None]:
    tasks = {name: value for name, value in vars(flows.cell).items() if isinstance(value, Task)}
    plain: dict[str, Any] = {name: _retried(task.fn) for name, task in tasks.items()}
    with patch.multiple(flows.cell, get_run_logger=lambda: logging.getLogger(__name__), **plain):
        yield


def _retried(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(step)
    async def attempts(*args: Any, **kwargs: Any) -> Any:
        made = 0
        while True:
            made += 1
            try:
                return await step(*args, **kwargs)
            except StepFailed as error:
                if not worth_another_attempt(error, made):
                    raise

    return attempts


async def _main(site: Path, run_id: str, cells: list[Cell]) -> None:
    async with open_lab(load_site(site)) as lab:
        for record in await run_cells(cells, lab, run_id):
            print(record.model_dump_json(), flush=True)


if __name__ == "__main__":
    _site, _run_id, _cells = sys.argv[1:]
    _rows = json.loads(Path(_cells).read_text(encoding="utf-8"))
    asyncio.run(_main(Path(_site), _run_id, [Cell.model_validate(row) for row in _rows]))
