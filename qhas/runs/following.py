"""Follow cells that other hosts finish, through the store: the progress of a sweep whose cells run elsewhere."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping

from qhas.runs import progress
from qhas.runs.record import CellRecord
from qhas.runs.stored import read_cell
from qhas.store import Store, StoreError
from qhas.sweep.spec import Cell

_LOOK_SECONDS = 2.0
_AT_ONCE = 32
"""Cells looked up each time, one small request each: light on any store, and a thousand cells take a minute."""


class Following:
    """The cells of a run that are not yet finished; `known` are records of an earlier try, by cell key."""

    def __init__(
        self, store: Store, run_id: str, cells: Iterable[Cell], known: Mapping[str, CellRecord]
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._known = dict(known)
        self._left = deque(cells)

    async def follow(self) -> None:
        """Report each cell as it is finished, until all are, or nobody listens."""
        while self._left and progress.is_heard():
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                records = await asyncio.to_thread(self._look)
            except StoreError:  # the sites continue
                continue
            self.report(records)

    def report(self, records: Iterable[CellRecord]) -> None:
        """Report those records that are new."""
        for record in records:
            if record != self._known.get(record.cell.key):
                self._known[record.cell.key] = record
                progress.report(progress.CellFinished(record))

    def _look(self) -> list[CellRecord]:
        records = []
        for cell in [self._left.popleft() for _ in range(min(_AT_ONCE, len(self._left)))]:
            record = read_cell(self._store, self._run_id, cell)
            if record is None or record == self._known.get(cell.key):
                self._left.append(cell)
            else:
                records.append(record)
        return records
