"""A run in the store: its record, its cells, and which of them are finished."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import lru_cache

from pydantic import ValidationError

import qhas
from qhas.documents import describe, require_64_bits
from qhas.failures import InvalidInput, QhasError
from qhas.naming import is_name
from qhas.outside_text import shown
from qhas.runs import keys
from qhas.runs.record import CellRecord, SdkFacts, SitePart, SweepRecord, SweepState
from qhas.site import Site, without_secrets
from qhas.store import Store, StoreError
from qhas.store.given import require_store
from qhas.store.patience import Patience
from qhas.sweep.difference import differences
from qhas.sweep.plan import Plan, plan_sweep
from qhas.sweep.spec import Cell, SweepSpec

_NAME_IN_ID = 74
"""Characters of a sweep's name that fit into a run id, which must itself be a valid name."""

_logger = logging.getLogger(__name__)
_HASTE = Patience(total=5.0, answer=5.0)


def new_run_id(name: str, now: datetime | None = None, suffix: str | None = None) -> str:
    """Return a unique run id that sorts by time within a sweep; a long name is truncated."""
    moment = now or datetime.now(UTC)
    return f"{name[:_NAME_IN_ID]}-{moment:%Y%m%dT%H%M%SZ}-{suffix or secrets.token_hex(4)}"


class RecordMisplaced(InvalidInput):
    """The record of a run is stored under the key of another."""


class RunNotEnded(QhasError):
    """Cells of a run have been run, but its end could not be stored."""

    exit_code = 1


@contextmanager
def ending(run_id: str) -> Iterator[None]:
    """Raise RunNotEnded if a store or disk fails after the cells of a run: there, that is not bad input."""
    try:
        yield
    except (StoreError, OSError) as error:
        raise RunNotEnded(
            f"The finished cells of run {run_id} are stored, but the end of the run is not "
            f"({str(error).rstrip('.')}); --run-id {run_id} completes it."
        ) from error


def require_same_spec(store: Store, run_id: str, spec: SweepSpec) -> SweepRecord | None:
    """Return the record of an earlier try of the run, if any. Raises InvalidInput if the id belongs to another spec."""
    if run_id.lower() in keys.NO_RUNS:
        raise InvalidInput(
            f"A run cannot be called {run_id}: reports use that name in the store; choose another run id."
        )
    earlier = read_run(store, run_id)
    if earlier and (different := differences(earlier.spec, spec)):
        raise InvalidInput(
            "\n  ".join(
                [
                    f"Run {run_id} was started with another spec; choose another run id. Then -> now:",
                    *different,
                ]
            )
        )
    return earlier


def require_run(store: Store, run_id: str, spec: SweepSpec) -> SweepRecord:
    """Return the record of a run that another process started.

    Raises InvalidInput if it is not in this store, or has another spec.
    """
    run = require_same_spec(store, run_id, spec)
    if run is None:
        raise InvalidInput(
            f"The store {store.root} has no run {run_id}: all sites of a sweep write to one store; "
            "correct `store` in this site's site.yaml."
        )
    return run


def begin_run(
    store: Store,
    run_id: str,
    plan: Plan,
    site: Site,
    sdk: SdkFacts | None = None,
    flow_run: str | None = None,
) -> SweepRecord:
    """Record that a run starts or continues. Raises InvalidInput if the id belongs to another spec."""
    earlier = require_same_spec(store, run_id, plan.spec)
    record = SweepRecord(
        run_id=run_id,
        state=SweepState.RUNNING,
        started_at=earlier.started_at if earlier else datetime.now(UTC),
        spec=plan.spec,
        site=without_secrets(site),
        sdk=sdk,
        qhas_version=qhas.__version__,
        cells=len(plan.cells),
        flow_runs=_with_last(earlier.flow_runs if earlier else [], flow_run),
    )
    _write(store, record)
    return record


def _with_last(flow_runs: Iterable[str], last: str | None) -> list[str]:
    return [*(each for each in flow_runs if each != last), *([last] if last else [])]


def end_run(
    store: Store, record: SweepRecord, cells: Collection[CellRecord], sites: Iterable[SitePart] = ()
) -> SweepRecord:
    """Record that a run has ended, given the records of those of its cells that have one."""
    failed = sum(not cell.good for cell in cells)
    missing = record.cells - len(cells)
    ended = record.model_copy(
        update={
            "state": SweepState.PARTIAL if failed or missing else SweepState.COMPLETE,
            "finished_at": datetime.now(UTC),
            "failed": failed,
            "missing": missing,
            "over_budget": sum(bool(cell.over_budget) for cell in cells),
            "sites": list(sites),
        }
    )
    _write(store, ended)
    return ended


def cancel_run(store: Store, record: SweepRecord) -> None:
    """Record that a run was stopped by its user, if the store is reachable; it can be resumed in any case."""
    with suppress(StoreError):
        _write(
            store, record.model_copy(update={"state": SweepState.CANCELLED, "finished_at": datetime.now(UTC)})
        )


def note_cancelled(site: Site, record: SweepRecord) -> None:
    """Do as `cancel_run` in the site's store, but with little patience: the user is waiting, and may kill the run."""
    with suppress(StoreError):
        cancel_run(Store(site.store, _HASTE), record)


def read_run(store: Store, run_id: str) -> SweepRecord | None:
    """Return the record of a run, or None.

    Raises InvalidInput if it cannot be read, and RecordMisplaced if it is another run's.
    """
    content = store.read(keys.sweep_record(run_id))
    if content is None:
        return None
    try:
        record = SweepRecord.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        raise InvalidInput(
            f"The record of run {run_id} cannot be read by this version: {describe(error)}; if it is damaged, "
            f"remove {keys.sweep_record(run_id)}, and resume the run with its sweep file."
        ) from error
    if record.run_id != run_id:
        raise RecordMisplaced(
            f"{keys.sweep_record(run_id)} is the record of run {record.run_id}: remove it, and resume {run_id} with its "
            "sweep file."
        )
    return record


def run_ids(store: Store) -> list[str]:
    """Return the ids of the runs in the store: every valid name where runs are stored. Raises StoreError."""
    return [name for name in store.children(keys.RUNS) if is_name(name)]


def read_cell(store: Store, run_id: str, cell: Cell) -> CellRecord | None:
    """Return the record of a cell, or None while the cell is not finished."""
    return next(iter(stored_cells(store, run_id, [cell])), None)


def stored_cells(store: Store, run_id: str, cells: Iterable[Cell]) -> list[CellRecord]:
    """Return the records of those cells that have one, in their order.

    A record that cannot be read, or that belongs elsewhere, is logged and left out.
    """
    wanted = list(cells)
    contents = store.read_all([keys.manifest(keys.cell(run_id, cell)) for cell in wanted])
    return [
        record
        for cell, content in zip(wanted, contents, strict=True)
        if content is not None and (record := _cell_record(store, content, run_id, cell))
    ]


def _cell_record(store: Store, content: bytes, run_id: str, cell: Cell) -> CellRecord | None:
    place = f"{keys.manifest(keys.cell(run_id, cell))} in {store.root}"
    try:
        record = CellRecord.model_validate_json(content, extra="ignore")
        require_64_bits(content)
    except ValueError:  # includes ValidationError
        _report_left_out(f"{place} is not a cell record that this version can read")
        return None
    if (record.run_id, record.cell.key) != (run_id, cell.key):
        _report_left_out(f"{place} is the record of {record.cell.key} of run {record.run_id}")
        return None
    return record


@lru_cache(maxsize=1000)
def _report_left_out(fault: str) -> None:
    """Warn once per process: a process that follows a run reads its records again and again."""
    _logger.warning("%s; it is left out, and a resume runs its cell again.", shown(fault))


async def read_cells(store: Store, run_id: str, cells: Iterable[Cell]) -> dict[str, CellRecord]:
    """Return the records of those cells that have one, by cell key."""
    records = await asyncio.to_thread(stored_cells, store, run_id, cells)
    return {record.cell.key: record for record in records}


def load_run(store: Store, run_id: str) -> tuple[SweepRecord, list[CellRecord]]:
    """Return a run and its finished cells in the order of the plan. Raises InvalidInput if there is no such run."""
    require_store(store)
    record = read_run(store, run_id)
    if record is None:
        raise InvalidInput(f"The store {store.root} has no run {run_id}; `qhas runs` lists those it has.")
    return record, stored_cells(store, run_id, planned_cells(record.spec))


def planned_cells(spec: SweepSpec) -> tuple[Cell, ...]:
    """Return the cells of a spec, without checking whether its files still exist."""
    return plan_sweep(spec, look_up=False).cells


def _write(store: Store, record: SweepRecord) -> None:
    store.write(keys.sweep_record(record.run_id), record.model_dump_json(indent=2).encode())
