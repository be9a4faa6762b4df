"""Cells without a Prefect server: the direct runner's steps.

`python -m tests.rack.drive SITE RUN_ID CELLS` is a separate process that runs the cells of a JSON file and prints
their records as JSON lines, like another user's sweep or profile.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from qhas.cell import sequence
from qhas.cell.sequence import DIRECT
from qhas.lab.lab import Lab, open_lab
from qhas.runs.record import CellRecord
from qhas.site import load_site
from qhas.sweep.spec import Cell


async def run_cell(cell: Cell, lab: Lab, run_id: str) -> CellRecord:
    """Run a cell to its end; return its record."""
    (record,) = await run_cells([cell], lab, run_id)
    return record


async def run_cells(cells: list[Cell], lab: Lab, run_id: str) -> list[CellRecord]:
    """Run the cells of a sweep, side by side as far as the devices allow; return their records."""
    return await sequence.profile_cells(cells, lab, run_id, DIRECT)


async def _main(site: Path, run_id: str, cells: list[Cell]) -> None:
    async with open_lab(load_site(site)) as lab:
        for record in await run_cells(cells, lab, run_id):
            print(record.model_dump_json(), flush=True)


if __name__ == "__main__":
    _site, _run_id, _cells = sys.argv[1:]
    _rows = json.loads(Path(_cells).read_text(encoding="utf-8"))
    asyncio.run(_main(Path(_site), _run_id, [Cell.model_validate(row) for row in _rows]))
