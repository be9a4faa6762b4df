"""Resuming a run: which of its cells need not run again, and running the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from qhas.failures import StepFailed
from qhas.lab.lab import Lab
from qhas.runs import keys
from qhas.runs.durations import expectations
from qhas.runs.record import CellRecord, SdkFacts, SweepRecord
from qhas.runs.stored import read_cells
from qhas.sweep.expectation import Expectations
from qhas.sweep.spec import Cell

Profiling = Callable[[Sequence[Cell], Expectations], Awaitable[list[CellRecord]]]


async def complete(cells: Sequence[Cell], lab: Lab, run: SweepRecord, profile: Profiling) -> list[CellRecord]:
    """Profile the cells that a run lacks; return the records of all cells in their order."""
    done = await finished_cells(lab, run.run_id, cells)
    missing = [cell for cell in cells if cell.key not in done]
    expected = await asyncio.to_thread(
        expectations, lab.store, run.spec.name, missing, lab.sdk.kind, lab.site.measured_socs()
    )
    done |= {record.cell.key: record for record in await profile(missing, expected)}
    return [done[cell.key] for cell in cells]


async def finished_cells(lab: Lab, run_id: str, cells: Iterable[Cell]) -> dict[str, CellRecord]:
    """Return the records of the cells that need not run again, by cell key.

    A cell runs again if it failed, if it was made from different bytes of its DLC or by a different SDK, or if one of
    its files is missing or has a different size.
    """
    cells = list(cells)
    stored = await read_cells(lab.store, run_id, cells)
    objects = await asyncio.to_thread(lab.store.objects, keys.run(run_id)) if stored else []
    sizes = {each.key: each.size for each in objects}
    by_key = {cell.key: cell for cell in cells}
    # Records contain no passwords: anything fetched again is fetched from the address in the plan.
    return {
        key: record.model_copy(update={"cell": record.cell.model_copy(update={"model": by_key[key].model})})
        for key, record in stored.items()
        if record.good and _is_whole(record, sizes) and await _still_holds(record, by_key[key], lab)
    }


def _is_whole(record: CellRecord, sizes: Mapping[str, int]) -> bool:
    """Whether the record's files are complete, as far as a listing shows; `qhas verify` reads the bytes."""
    return all(
        sizes.get(keys.file(record, artifact)) == artifact.size
        for artifact in record.artifacts
        if not artifact.pruned_at
    )


async def _still_holds(record: CellRecord, cell: Cell, lab: Lab) -> bool:
    try:
        _, model = await lab.model(cell.model)
    except StepFailed:
        return False
    made_from = record.model.sha256 if record.model else None
    return (made_from, record.sdk) == (model.sha256, sdk_facts(lab, cell))


def sdk_facts(lab: Lab, cell: Cell | None = None) -> SdkFacts:
    """Return the SDK of a cell, or else of the lab, in the form that records use."""
    sdk = lab.sdk_of(cell) if cell else lab.sdk
    return SdkFacts(kind=sdk.kind, version=sdk.version)


def sdk_of_run(lab: Lab) -> SdkFacts | None:
    """Return the SDK of a run; None if its cells use several."""
    return sdk_facts(lab) if lab.one_sdk else None
