"""How long the cells of a sweep took last time: the forecast for the next one.

One small object a sweep, written when a run ends. It is advice: nothing is wrong without it, or if it is old.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from qhas.documents import Stored
from qhas.failures import Step
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Store
from qhas.sweep.forecast import Forecast


class Durations(Stored):
    """Seconds by cell key, and the run they are from."""

    run_id: str
    seconds: dict[str, Forecast]


def read_durations(store: Store, sweep: str) -> dict[str, Forecast]:
    """Forecasts by cell key; none for a sweep that has not run yet. Raises StoreError."""
    content = store.read(keys.durations(sweep))
    try:
        return Durations.model_validate_json(content).seconds if content else {}
    except ValidationError:
        return {}


def write_durations(store: Store, sweep: str, run_id: str, records: Iterable[CellRecord]) -> None:
    """Keep what good cells took; of cells that were not run or failed, what is known already. Raises StoreError."""
    forecasts = read_durations(store, sweep)
    measured = {
        record.cell.key: forecast
        for record in records
        if (forecast := _forecast(record, forecasts)) is not None
    }
    content = Durations(run_id=run_id, seconds=forecasts | measured).model_dump_json(indent=1)
    store.write(keys.durations(sweep), content.encode())


def _forecast(record: CellRecord, forecasts: dict[str, Forecast]) -> Forecast | None:
    if not record.good:
        return None
    good = [attempt for attempt in record.attempts if attempt.failure is None and attempt.seconds is not None]
    prepare = sum(tool.seconds for attempt in good if attempt.step is Step.PREPARE for tool in attempt.tools)
    if not prepare and (earlier := forecasts.get(record.cell.key)):
        prepare = earlier.prepare  # from the store this time; it may not be next time
    device = sum(attempt.seconds or 0.0 for attempt in good if attempt.step.on_device)
    return Forecast(round(prepare, 3), round(device, 3))
