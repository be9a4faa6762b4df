"""Which run another one is to be compared with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from qhas.failures import InvalidInput
from qhas.runs import keys
from qhas.runs.index import read_known
from qhas.runs.record import SweepRecord, SweepState
from qhas.runs.stored import read_run
from qhas.store import Store

_AT_ONCE = 16
_FINISHED = (SweepState.COMPLETE, SweepState.PARTIAL)


def baseline_of(store: Store, run_id: str) -> str:
    """The last finished run of the same sweep before this one. Raises InvalidInput if there is none, and StoreError.

    Of the runs that have a report one object tells enough; only the record of the chosen one is read, and those of runs
    without a report.
    """
    run = read_run(store, run_id)
    if run is None:
        raise InvalidInput(f"The store {store.root} has no run {run_id}.")
    if (earlier := last_before(store, run)) is None:
        raise InvalidInput(
            f"There is no finished run of sweep {run.spec.name} before {run_id} in {store.root}."
        )
    return earlier


def last_before(store: Store, run: SweepRecord) -> str | None:
    """The same for a run at hand; None if there is none. Raises StoreError."""
    known = {entry.run_id: entry for entry in read_known(store).values()}
    ids = store.children(keys.RUNS)
    told = [known[name] for name in ids if name in known and known[name].name == run.spec.name]
    with ThreadPoolExecutor(_AT_ONCE, "qhas-baseline") as threads:
        untold = threads.map(lambda run_id: _read(store, run_id), [name for name in ids if name not in known])
        moments = {one.run_id: one.started_at for one in untold if one}
    moments |= {one.run_id: one.started_at for one in told}
    earlier = [name for name, started_at in moments.items() if started_at < run.started_at]
    for name in sorted(earlier, key=moments.__getitem__, reverse=True):
        found = _read(store, name)
        if found and found.spec.name == run.spec.name and found.state in _FINISHED:
            return name
    return None


def _read(store: Store, run_id: str) -> SweepRecord | None:
    """None also for what cannot be read: another version's run is no baseline."""
    try:
        return read_run(store, run_id)
    except InvalidInput:
        return None
