"""The DLC of a stored cell, taken from its prepared graph, so that the original file is not needed."""

from __future__ import annotations

from pathlib import Path

from qhas.cell.artifacts import PREPARED_DLC
from qhas.cell.prepared import PreparedGraphs
from qhas.failures import InvalidInput
from qhas.runs.record import CellRecord
from qhas.store import Store


def prepared_dlc(store: Store, record: CellRecord, folder: Path) -> Path:
    """Fetch the prepared DLC into a folder of its own below `folder`.

    Raises InvalidInput if the record does not name it or the store no longer has it, and StoreError.
    """
    if record.prepared is None:
        raise InvalidInput(f"Run {record.run_id} does not record what was prepared from its DLC.")
    place = folder / record.prepared.key[:16]
    place.mkdir(parents=True, exist_ok=True)
    if PreparedGraphs(store).fetch(record.prepared.key, place) is None:
        raise InvalidInput(
            f"The prepared graph of run {record.run_id} is no longer in the store: run the cell again, or put the graph back."
        )
    return place / PREPARED_DLC
