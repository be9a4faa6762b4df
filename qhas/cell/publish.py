"""Storing what a cell left, the record last: its presence means that the cell is finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from qhas.cell.artifacts import ARTIFACTS, UNFINISHED, ArtifactSpec, Whole
from qhas.cell.graphs import GraphWork
from qhas.cell.resume import sdk_facts
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step
from qhas.machine.digest import file_digest
from qhas.naming import safe_paths
from qhas.profile.figures import Profile
from qhas.runs import keys
from qhas.runs.accepted import read_accepted, with_accepted
from qhas.runs.budgets import check_budget
from qhas.runs.record import BudgetResult, CellRecord, CellStatus, GraphRecord
from qhas.runs.sole_runner import RunTaken
from qhas.runs.stored import read_run
from qhas.store import Artifact, Store, StoreError, Upload

_NOT_EXECUTED = (
    "Nothing was executed (inputs: none): the figures are the simulator's, and there are no outputs."
)


async def publish_cell(work: CellWork) -> CellRecord:
    """Upload artifacts and tool output, then the record. A failed cell keeps whatever it has.

    Raises StepFailed, and RunTaken if the run now belongs to another process: nothing is stored in that case.
    """
    async with work.attempt(Step.PUBLISH):
        return await asyncio.to_thread(_publish, work)


def record_of(work: CellWork, artifacts: list[Artifact]) -> CellRecord:
    """Return the record of a cell as its work stands now."""
    return CellRecord(
        run_id=work.run_id,
        cell=work.cell,
        status=CellStatus.FAILED if work.failure else CellStatus.COMPLETE,
        failure=work.failure,
        origin=work.origin,
        started_at=work.started_at,
        finished_at=datetime.now(UTC),
        sdk=sdk_facts(work.lab, work.cell),
        device=work.device,
        model=work.model,
        conversion=work.conversion,
        prepared=work.prepared,
        traits=work.traits,
        effective=work.effective,
        health=work.health,
        attempts=[attempt.model_copy() for attempt in work.attempts],
        latency=work.latency,
        metrics=work.metrics,
        runtrace=work.runtrace,
        accuracy=work.accuracy,
        estimated=work.estimated,
        remarks=([] if work.executes else [_NOT_EXECUTED])
        + work.remarks
        + [f"{each.name}: {remark}" for each in work.graphs for remark in each.remarks],
        budgets=_budgets(work, graphs := [_graph_record(work, graph) for graph in work.graphs]),
        artifacts=artifacts,
        graphs=graphs,
    )


def _budgets(work: CellWork, graphs: list[GraphRecord]) -> list[BudgetResult]:
    """Check the budgets of the cell, or those of its graphs, named after the graphs.

    A failed cell has none: it is not good in any case, and its figures may be incomplete.
    """
    if work.failure:
        return []
    if not graphs:
        profile = Profile(work.metrics, work.latency, work.runtrace, work.accuracy)
        return check_budget(work.cell.budget, profile, work.origin)
    return _named(graphs)


def _named(graphs: list[GraphRecord]) -> list[BudgetResult]:
    return [
        result.model_copy(update={"sentence": f"{graph.name}: {result.sentence}"})
        for graph in graphs
        for result in graph.budgets
    ]


def _with_accepted(store: Store, record: CellRecord) -> CellRecord:
    """Tolerate limits broken by no more than has been accepted for this cell of the sweep. Raises StoreError."""
    run = read_run(store, record.run_id) if record.over_budget else None
    if run is None:
        return record

    def allowed(results: list[BudgetResult], key: str) -> list[BudgetResult]:
        return with_accepted(results, read_accepted(store, run.spec.name, key))

    key = record.cell.key
    graphs = [
        graph.model_copy(update={"budgets": allowed(graph.budgets, f"{key}/{graph.folder}")})
        for graph in record.graphs
    ]
    budgets = _named(graphs) if graphs else allowed(record.budgets, key)
    return record.model_copy(update={"graphs": graphs, "budgets": budgets})


def _graph_record(work: CellWork, graph: GraphWork) -> GraphRecord:
    budget = work.cell.graph_budgets.get(graph.name, work.cell.budget)
    profile = Profile(graph.metrics, graph.latency, graph.runtrace, language=graph.language)
    return GraphRecord(
        name=graph.name,
        folder=graph.folder,
        schematic_sha256=file_digest(graph.schematic),
        latency=graph.latency,
        metrics=graph.metrics,
        runtrace=graph.runtrace,
        language=graph.language,
        budgets=[] if work.failure else check_budget(budget, profile, work.origin),
    )


def _publish(work: CellWork) -> CellRecord:
    store, prefix = work.lab.store, keys.cell(work.run_id, work.cell)
    uploads = dict(_uploads(work))  # first: cancelling the cell removes its directory under this thread
    _require_run(work)
    _clear(store, prefix)  # files from an earlier try would look like this one's
    try:
        stored = store.upload(prefix, uploads.values(), _between(work))
        record = _with_accepted(store, record_of(work, [*map(_truly_named, uploads, stored)]))
        _require_run(work)  # an upload may take longer than a claim lasts
        _write_record(store, keys.manifest(prefix), record)
    except StoreError:
        with suppress(StoreError):  # leave nothing behind in a store that may be full
            _clear(store, prefix)
        raise
    return record


def _require_run(work: CellWork) -> None:
    if work.lab.tenure:
        work.lab.tenure.require()


def _between(work: CellWork) -> Callable[[], None]:
    return work.lab.tenure.require_between if work.lab.tenure else lambda: None


def _write_record(store: Store, key: str, record: CellRecord) -> None:
    """Write the record. Raises RunTaken if one exists: this process removed its own, so another now has the run."""
    content = record.model_dump_json(indent=2).encode()
    if not store.write(key, content, only_if_absent=True):
        raise RunTaken(
            f"Another process has stored {record.cell.key} of run {record.run_id} in the meantime; the results of this process "
            "are not stored."
        )


def _clear(store: Store, prefix: str) -> None:
    """Remove all of a cell, its record first: a record read in the meantime, or after a crash, must have its files."""
    store.remove([keys.manifest(prefix)])
    store.delete(prefix)


def _uploads(work: CellWork) -> Iterator[tuple[str, Upload]]:
    """Yield the files by the relative paths that their makers gave them, naming those that may be truncated as such.

    Links and directories are skipped.
    """
    files = {
        str(path.relative_to(folder)): (
            spec.name if _is_whole(work, spec) else UNFINISHED,
            path,
            spec.compress,
        )
        for spec in ARTIFACTS
        if (folder := work.folders.get(spec.step))
        for place in (folder, *(folder / graph.folder for graph in work.graphs))
        for path in sorted(place.glob(spec.pattern))
        if path.is_file() and not path.is_symlink()
    }
    files |= {output.name: ("output", output, False) for output in work.outputs if output.is_file()}
    for true_name, path in safe_paths(files).items():
        name, source, compress = files[true_name]
        place = f"{UNFINISHED}/{path}" if name == UNFINISHED else path
        yield true_name, Upload(name, source, place, compress)


def _is_whole(work: CellWork, spec: ArtifactSpec) -> bool:
    """Whether a file from the last attempt of its step is known to be complete."""
    if spec.whole is Whole.RENAMED:
        return True
    attempt = next((each for each in reversed(work.attempts) if each.step is spec.step), None)
    if attempt is None:  # no tool has run: the file was there before
        return True
    failure = work.failure.kind if work.failure and work.failure.step is spec.step else attempt.failure
    run = attempt.tools[-1] if attempt.tools else None
    if failure is FailureKind.DISK or (run and (run.exit_code or run.timed_out)):
        return False
    return spec.whole is Whole.READ or not (run and run.disk_full)


def _truly_named(true_name: str, artifact: Artifact) -> Artifact:
    same = artifact.path in (true_name, f"{true_name}.gz")
    return artifact if same else artifact.model_copy(update={"true_name": true_name})
