"""Choose the run that another run is compared with."""

from __future__ import annotations

from qhas.failures import InvalidInput
from qhas.runs.listing import FINISHED, run_lines
from qhas.runs.record import SweepRecord
from qhas.runs.stored import read_run
from qhas.store import Store


class NoBaseline(InvalidInput):
    """There is no finished run of the sweep before the run."""


def baseline_of(store: Store, run_id: str) -> str:
    """Return the last finished run of the sweep before this one. Raises NoBaseline if there is none, and StoreError."""
    run = read_run(store, run_id)
    if run is None:
        raise InvalidInput(f"The store {store.root} has no run {run_id}; `qhas runs` lists those it has.")
    if (earlier := last_before(store, run)) is None:
        raise NoBaseline(
            f"There is no finished run of sweep {run.spec.name} before {run_id} in {store.root}."
        )
    return earlier


def last_before(store: Store, run: SweepRecord) -> str | None:
    """Do the same for a run at hand, but return None if there is none. Raises StoreError."""
    for line in run_lines(store):
        if line.sweep == run.spec.name and line.started_at < run.started_at:
            record = _read(store, line.run_id)  # the line may be older than the record
            if record and record.spec.name == run.spec.name and record.state in FINISHED:
                return line.run_id
    return None


def _read(store: Store, run_id: str) -> SweepRecord | None:
    """Return None also for a record that cannot be read: a run of another version is not a baseline."""
    try:
        return read_run(store, run_id)
    except InvalidInput:
        return None
