"""Whether the store still holds what its records say: artifacts' bytes, records in their places, the history's rows.

Nothing is changed here except by `redo`, which removes the records of damaged cells; resuming the run makes them
again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qhas.documents import require_64_bits
from qhas.failures import InvalidInput
from qhas.naming import check_key
from qhas.outside_text import one_line
from qhas.runs import keys
from qhas.runs.record import CellRecord, SweepRecord, SweepState, by_graph
from qhas.runs.stored import RecordMisplaced, planned_cells, read_run
from qhas.store import Found, ObjectDamaged, ObjectMissing, Store
from qhas.store.objects import Artifact
from qhas.units import size

_AT_ONCE = 8
_ENDED = (SweepState.COMPLETE, SweepState.PARTIAL)


class Fault(StrEnum):
    """What can be wrong with something stored."""

    RECORD_UNREADABLE = "record unreadable"
    """Not a record: empty, cut off, or with other fields."""
    RECORD_MISPLACED = "record misplaced"
    """A record that describes a different run or cell from the one whose place it has."""
    RECORD_MISSING = "record missing"
    """A finished run had this record, but it and its history row are gone; resuming the run makes the cell again."""
    STRAY = "stray"
    """Something where runs or cells belong that is neither, or that no record names; move it away by hand."""
    ARTIFACT_MISSING = "artifact missing"
    """A record names an object that does not exist."""
    ARTIFACT_DAMAGED = "artifact damaged"
    """An object whose size or digest differs from its record."""
    HISTORY_DIFFERS = "history differs"
    """The history's rows of a finished run differ from its records; resuming the run rewrites them."""


@dataclass(frozen=True)
class Damage:
    """Something wrong in the store: the object, the fault, and a sentence on it. `cell` is the cell's key, if any."""

    key: str
    fault: Fault
    sentence: str
    cell: str | None = None


@dataclass(frozen=True)
class Checked:
    """A run that was checked."""

    run_id: str
    cells: int
    artifacts: int
    bytes: int
    damages: tuple[Damage, ...]


def run_ids(store: Store) -> list[str]:
    """Return the names of everything stored where runs are, even without a readable record."""
    return store.children(keys.RUNS)


def verify_runs(
    store: Store, wanted: Iterable[str], done: Callable[[Checked], object] = lambda _: None
) -> list[Checked]:
    """Apply `verify_run` to each run and call `done` with each result. Raises StoreError, InvalidInput."""
    checked = []
    for run_id in wanted:
        checked.append(_stray_run(store, run_id) or verify_run(store, run_id))
        done(checked[-1])
    return checked


def _stray_run(store: Store, name: str) -> Checked | None:
    """Report something located among the runs that cannot be one; None for what can."""
    try:
        key = keys.run(name)
        if [entry.key for entry in store.objects(key)] != [key]:
            return None
    except InvalidInput:
        key = f"{keys.RUNS}/{one_line(name)}"
    sentence = "This is not a run: move it out of the store, or remove it."
    return Checked(one_line(name), 0, 0, 0, (Damage(key, Fault.STRAY, sentence),))


def all_damages(checked: Iterable[Checked]) -> list[Damage]:
    """Return the damages of all runs, run by run."""
    return [damage for run in checked for damage in run.damages]


def extent(checked: Sequence[Checked]) -> str:
    """Say how much was checked."""
    runs, cells = len(checked), sum(run.cells for run in checked)
    files, bytes_read = sum(run.artifacts for run in checked), sum(run.bytes for run in checked)
    return (
        f"{runs} run{'s' * (runs != 1)}, {cells} cell{'s' * (cells != 1)}, {files} files, {size(bytes_read)}"
    )


def verify_run(store: Store, run_id: str, scratch: Path | None = None) -> Checked:
    """Read every object of a run and compare it with its record.

    Raises StoreError; InvalidInput if there is no such run.
    """
    stored = {entry.key: entry for entry in store.objects(keys.run(run_id))}
    if not stored:
        raise InvalidInput(f"The store {store.root} has no run {run_id}; `qhas runs` lists those it has.")
    damages: list[Damage] = []
    run = _run_record(store, run_id, damages)
    manifests = sorted(key for key in stored if key.endswith(f"/{keys.MANIFEST}"))
    records = [record for key in manifests if (record := _cell_record(store, key, run_id, damages))]
    wanted = [
        (record, artifact) for record in records for artifact in record.artifacts if not artifact.pruned_at
    ]
    with (
        tempfile.TemporaryDirectory(prefix="qhas-verify-", dir=scratch) as folder,
        ThreadPoolExecutor(_AT_ONCE, "qhas-verify") as threads,
    ):
        looks = [
            threads.submit(_artifact, store, record, artifact, stored, Path(folder) / str(number))
            for number, (record, artifact) in enumerate(wanted)
        ]
        damages += [damage for look in looks if (damage := look.result())]
    damages += _strays(stored, records)
    if run and run.state in _ENDED:
        damages += list(_history(store, run, records)) or _absent(run, stored)
    return Checked(
        run_id,
        len(records),
        len(wanted),
        sum(artifact.size for _, artifact in wanted),
        tuple(damages),
    )


def redo(store: Store, checked: Iterable[Checked]) -> int:
    """Remove the records of damaged cells, so that resuming their runs makes them again; return how many.

    Raises StoreError.
    """
    places = {
        keys.manifest(f"{keys.run(run.run_id)}/{damage.cell}")
        for run in checked
        for damage in run.damages
        if damage.cell
    }
    store.remove(sorted(places))
    return len(places)


def _run_record(store: Store, run_id: str, damages: list[Damage]) -> SweepRecord | None:
    key = keys.sweep_record(run_id)
    try:
        run = read_run(store, run_id)
    except RecordMisplaced as error:
        damages.append(Damage(key, Fault.RECORD_MISPLACED, str(error)))
        return None
    except InvalidInput as error:
        damages.append(Damage(key, Fault.RECORD_UNREADABLE, str(error)))
        return None
    if run is None:
        sentence = (
            f"Run {run_id} has no {keys.SWEEP_RECORD}; its sweep file with --run-id {run_id} writes it."
        )
        damages.append(Damage(key, Fault.RECORD_UNREADABLE, sentence))
    return run


def _cell_record(store: Store, key: str, run_id: str, damages: list[Damage]) -> CellRecord | None:
    place = key.removeprefix(f"{keys.run(run_id)}/").removesuffix(f"/{keys.MANIFEST}")
    try:
        check_key(key)
    except ValueError:
        damages.append(
            Damage(one_line(key), Fault.STRAY, "This does not belong to a cell: remove its folder.")
        )
        return None
    try:
        record = CellRecord.model_validate_json(content := store.read(key) or b"", extra="ignore")
        require_64_bits(content)
    except ValueError:  # includes ValidationError
        damages.append(Damage(key, Fault.RECORD_UNREADABLE, "This is not a cell record.", place))
        return None
    if (record.run_id, record.cell.key) != (run_id, place):
        sentence = f"This is the record of {record.cell.key} of run {record.run_id}."
        damages.append(Damage(key, Fault.RECORD_MISPLACED, sentence, place))
        return None
    return record


def _artifact(
    store: Store,
    record: CellRecord,
    artifact: Artifact,
    stored: Mapping[str, Found],
    scratch: Path,
) -> Damage | None:
    cell = record.cell.key
    key = keys.file(record, artifact)
    entry = stored.get(key)
    if entry is None:
        return Damage(key, Fault.ARTIFACT_MISSING, f"{artifact.name} is missing.", cell)
    if entry.size != artifact.size:
        sentence = f"{artifact.name} has {entry.size} bytes, but its record says {artifact.size}."
        return Damage(key, Fault.ARTIFACT_DAMAGED, sentence, cell)
    try:
        store.fetch(key, scratch, artifact.sha256)
    except ObjectMissing:
        return Damage(key, Fault.ARTIFACT_MISSING, f"{artifact.name} disappeared while being read.", cell)
    except ObjectDamaged:
        return Damage(
            key, Fault.ARTIFACT_DAMAGED, f"{artifact.name} has different bytes from those stored.", cell
        )
    finally:
        scratch.unlink(missing_ok=True)
    return None


def _strays(stored: Iterable[str], records: Iterable[CellRecord]) -> Iterator[Damage]:
    """Yield objects in the folder of a cell whose record does not name them."""
    named = {
        keys.manifest(keys.cell(record.run_id, record.cell)): {
            keys.file(record, artifact) for artifact in record.artifacts
        }
        for record in records
    }
    for key in stored:
        place = keys.parse(key)
        manifest = keys.manifest(place.prefix) if place else ""
        if manifest in named and key != manifest and key not in named[manifest]:
            yield Damage(one_line(key), Fault.STRAY, "The record of its cell does not name it: remove it.")


def _absent(run: SweepRecord, stored: Mapping[str, Found]) -> Iterator[Damage]:
    manifests = [keys.manifest(keys.cell(run.run_id, cell)) for cell in planned_cells(run.spec)]
    absent = [manifest for manifest in manifests if manifest not in stored]
    if len(absent) > run.missing:
        for manifest in absent:
            yield Damage(manifest, Fault.RECORD_MISSING, "It is missing, but existed when its run ended.")


def _history(store: Store, run: SweepRecord, records: list[CellRecord]) -> Iterator[Damage]:
    from qhas.history.columns import cell_rows, night_of  # importing Arrow takes half a second
    from qhas.history.reading import Where, read_history

    night = night_of(run)
    rows = read_history(store, Where(sweep=run.spec.name, since=night)).to_pylist()
    stored = {_place(row): row for row in rows if row["run_id"] == run.run_id}
    planned = {cell.key for cell in planned_cells(run.spec)}
    ours = by_graph(record for record in records if record.cell.key in planned)
    key = keys.history_of_run(keys.HISTORY, night, run.run_id)
    for row in cell_rows(run, ours, {}).to_pylist():
        place = _place(row)
        if (kept := stored.pop(place, None)) is None:
            yield Damage(key, Fault.HISTORY_DIFFERS, f"It has no row for {place}.")
        elif names := [name for name in row if _differs(name, row[name], kept[name])]:
            sentence = f"Its {names[0]} for {place} is {kept[names[0]]}, but the record says {row[names[0]]}."
            yield Damage(key, Fault.HISTORY_DIFFERS, sentence)
    for place in stored:
        yield Damage(key, Fault.HISTORY_DIFFERS, f"It has a row for {place}, which has no record.")


def _place(row: Mapping[str, object]) -> str:
    return f"{row['network']}/{row['soc']}/{row['variant']}"


def _differs(name: str, expected: object, stored: object) -> bool:
    """Whether a value differs. Columns the file was written without are null; records lack what a re-run reported."""
    return stored is not None and expected != stored and not name.startswith("rerun_")
