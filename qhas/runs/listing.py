"""List the runs of a store, and find a run by its id, the beginning of it, or `latest`, and a cell by its key."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from qhas.failures import InvalidInput
from qhas.naming import is_name
from qhas.outside_text import shown
from qhas.runs import LATEST, keys
from qhas.runs.index import Entry, read_known
from qhas.runs.record import CellRecord, SweepState
from qhas.runs.stored import read_run, run_ids
from qhas.store import Store

FINISHED = (SweepState.COMPLETE, SweepState.PARTIAL)
_AT_ONCE = 16
_NEAR = 3
_NAMED = 8
"""Maximum number of cells that are all listed by name."""


@dataclass(frozen=True)
class RunLine:
    """A run in one line. `failed` and `missing` count its `cells`, and are only known once it has ended."""

    run_id: str
    sweep: str
    state: SweepState
    started_at: datetime
    cells: int
    failed: int
    missing: int

    @property
    def good(self) -> int | None:
        """Cells that ended well; None for a run that has not ended."""
        return self.cells - self.failed - self.missing if self.state in FINISHED else None


def run_lines(store: Store) -> list[RunLine]:
    """Return every run whose record can be read, the last started first. Raises StoreError.

    For runs that have a report, one object holds enough; for the others, the records are read.
    """
    indexed = {entry.run_id: _of_entry(entry) for entry in read_known(store).values()}
    ids = run_ids(store)
    with ThreadPoolExecutor(_AT_ONCE, "qhas-runs") as threads:
        possible = threads.map(lambda run_id: indexed.get(run_id) or _of_record(store, run_id), ids)
        lines = [line for line in possible if line]
    return sorted(lines, key=lambda line: line.started_at, reverse=True)


def find_run(store: Store, name: str) -> str:
    """Return the id of the run that `name` means. Raises InvalidInput, with near ids, if it means none or several."""
    if name == LATEST:
        if lines := run_lines(store):
            return lines[0].run_id
        raise InvalidInput(f"The store {store.root} has no run yet.")
    run_id, slash, _ = name.partition("/")
    if slash and is_name(run_id):
        raise InvalidInput(f"{shown(name)} looks like a cell; give only its run: {run_id}.")
    if store.exists(keys.sweep_record(name)):
        return name
    ids = run_ids(store)
    if name in ids:  # the remains of a run may be looked at too
        return name
    matches = [run_id for run_id in ids if run_id.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InvalidInput(f"{len(matches)} runs begin with {name}: {_some(matches)}; give more of the id.")
    raise InvalidInput(f"The store {store.root} has no run {name}{_near(name, ids)}.")


def find_cell(records: Sequence[CellRecord], run_id: str, key: str) -> CellRecord:
    """Return the finished cell of a run with the key `<model>/<soc>/<variant>`; `/default` may be omitted.

    Raises InvalidInput if there is none.
    """
    by_key = {record.cell.key: record for record in records}
    if record := by_key.get(key) or by_key.get(f"{key}/default"):
        return record
    if not by_key:
        raise InvalidInput(f"Run {run_id} has no finished cell.")
    named = list(by_key) if len(by_key) <= _NAMED else get_close_matches(key, by_key, _NEAR, 0.0)
    others = f" and {len(by_key) - len(named)} more" if len(named) < len(by_key) else ""
    raise InvalidInput(f"Run {run_id} has no finished cell {key}; choose from {', '.join(named)}{others}.")


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(sorted(ids, reverse=True)[:_NEAR])
    return shown if len(ids) <= _NEAR else f"{shown} and {len(ids) - _NEAR} more"


def _near(name: str, ids: Sequence[str]) -> str:
    if near := get_close_matches(name, [LATEST, *ids], _NEAR, 0.5):
        return f"; near it: {', '.join(near)}"
    return "; `qhas runs` lists those it has" if ids else "; it has no runs"


def _of_entry(entry: Entry) -> RunLine:
    return RunLine(
        entry.run_id, entry.name, entry.state, entry.started_at, entry.cells, entry.failed, entry.missing
    )


def _of_record(store: Store, run_id: str) -> RunLine | None:
    """Return None for a record that is missing or cannot be read, such as that of another version's run."""
    try:
        record = read_run(store, run_id)
    except InvalidInput:
        return None
    if record is None:
        return None
    counts = record.cells, record.failed, record.missing
    return RunLine(run_id, record.spec.name, record.state, record.started_at, *counts)
