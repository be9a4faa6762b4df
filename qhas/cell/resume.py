"""What of a run need not run again, and the rest of it run."""

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
    """Have what is missing of a run profiled; the records of all cells in their order."""
    done = await finished_cells(lab, run.run_id, cells)
    missing = [cell for cell in cells if cell.key not in done]
    expected = await asyncio.to_thread(
        expectations, lab.store, run.spec.name, missing, lab.sdk.kind, lab.site.measured_socs()
    )
    done |= {record.cell.key: record for record in await profile(missing, expected)}
    return [done[cell.key] for cell in cells]


async def finished_cells(lab: Lab, run_id: str, cells: Iterable[Cell]) -> dict[str, CellRecord]:
    """Records of the cells that need not run again, by cell key.

    A cell that failed runs again, and so does one that was made from other bytes of its DLC or by another SDK, and
    one of whose files is missing or of another size.
    """
    cells = list(cells)
    stored = await read_cells(lab.store, run_id, cells)
    objects = await asyncio.to_thread(lab.store.objects, keys.run(run_id)) if stored else []
    sizes = {each.key: each.size for each in objects}
    by_key = {cell.key: cell for cell in cells}
    # Records name no password: what is fetched once more is fetched from where the plan says.
    return {
        key: record.model_copy(update={"cell": record.cell.model_copy(update={"model": by_key[key].model})})
        for key, record in stored.items()
        if record.good and _is_whole(record, sizes) and await _still_holds(record, by_key[key], lab)
    }


def _is_whole(record: CellRecord, sizes: Mapping[str, int]) -> bool:
    """As far as a listing tells; `qhas verify` reads the bytes."""
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
    """The SDK of a cell, else of a lab, as records name it."""
    sdk = lab.sdk_of(cell) if cell else lab.sdk
    return SdkFacts(kind=sdk.kind, version=sdk.version)


def sdk_of_run(lab: Lab) -> SdkFacts | None:
    """The SDK of a run; None where its cells have several."""
    return sdk_facts(lab) if lab.one_sdk else None
