"""Comparison of stored cells and runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase

from qhas.diff.circumstances import Evidence
from qhas.diff.compare import THRESHOLD_PERCENT, compare
from qhas.diff.model import CellDiff, NotCompared, Outcome, RunDiff
from qhas.failures import InvalidInput
from qhas.profile.qhas_file import QhasInvalid, parse_qhas
from qhas.runs import keys
from qhas.runs.networks import read_network
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.sources import read_sources
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.units import counted, signed_percent

_AT_ONCE = 16
"""Number of cells whose files are fetched at the same time."""


@dataclass(frozen=True)
class Chosen:
    """Which cells of two runs are compared, by glob patterns; without patterns, every cell."""

    models: Sequence[str] = ()
    socs: Sequence[str] = ()

    def __contains__(self, record: CellRecord) -> bool:
        named = ((record.cell.model.name, self.models), (record.cell.soc, self.socs))
        return all(not patterns or any(fnmatchcase(name, p) for p in patterns) for name, patterns in named)


class CellNotComparable(Exception):
    """A cell without figures to compare. The message is one sentence."""


def compare_runs(
    store: Store,
    before: str,
    after: str,
    *,
    chosen: Chosen | None = None,
    threshold_percent: float = THRESHOLD_PERCENT,
) -> RunDiff:
    """Compare every cell that both runs have, by key. Raises InvalidInput if there is none, and StoreError.

    A cell that cannot be compared (it failed, has no QHAS, or its figures are of another origin) is listed with the
    reason.
    """
    selection = chosen or Chosen()
    old, new = (_records(store, run_id, selection) for run_id in (before, after))
    both = [key for key in new if key in old]
    if not both:
        raise InvalidInput(f"Runs {before} and {after} have no cell in common that matches the selection.")
    with ThreadPoolExecutor(_AT_ONCE, "qhas-compare") as threads:
        results = list(threads.map(lambda key: _compared(store, old[key], new[key], threshold_percent), both))
    cells = sorted((result for result in results if isinstance(result, CellDiff)), key=_badness)
    return RunDiff(
        before=before,
        after=after,
        sentence=_sentence(cells),
        cells=cells,
        only_before=[key for key in old if key not in new],
        only_after=[key for key in new if key not in old],
        not_compared=[result for result in results if isinstance(result, NotCompared)],
    )


def compare_cells(
    store: Store, before: CellRecord, after: CellRecord, *, threshold_percent: float = THRESHOLD_PERCENT
) -> CellDiff:
    """Compare two stored cells, of one run or two.

    Raises CellNotComparable, InvalidInput if they are of different origin, and StoreError.
    """
    return compare(evidence_of(store, before), evidence_of(store, after), threshold_percent=threshold_percent)


def evidence_of(store: Store, record: CellRecord) -> Evidence:
    """Return the record with its QHAS file, network and sources. Raises CellNotComparable and StoreError."""
    if record.failure:
        raise CellNotComparable(f"in {record.run_id} it failed: {record.failure.message.removesuffix('.')}")
    artifact = record.artifact("qhas")
    content = store.read(keys.file(record, artifact)) if artifact else None
    if record.graphs:
        names = ", ".join(graph.name for graph in record.graphs)
        raise CellNotComparable(f"in {record.run_id} it has several graphs ({names}), each with its own QHAS")
    if artifact is None or content is None:
        raise CellNotComparable(f"in {record.run_id} it has no QHAS summary")
    try:
        return Evidence(
            parse_qhas(content, artifact.path),
            record,
            read_network(store, record),
            read_sources(store, record),
        )
    except QhasInvalid as error:
        raise CellNotComparable(f"in {record.run_id} its QHAS summary is damaged: {error}") from error


def _records(store: Store, run_id: str, chosen: Chosen) -> dict[str, CellRecord]:
    _, records = load_run(store, run_id)
    return {record.cell.key: record for record in by_graph(records) if record in chosen}


def _compared(
    store: Store, before: CellRecord, after: CellRecord, threshold_percent: float
) -> CellDiff | NotCompared:
    try:
        return compare_cells(store, before, after, threshold_percent=threshold_percent)
    except (CellNotComparable, InvalidInput) as error:
        return NotCompared(cell=after.cell.key, reason=str(error))


def _badness(cell: CellDiff) -> float:
    return -(cell.time.percent or 0.0)


def _sentence(cells: Sequence[CellDiff]) -> str:
    if not cells:
        return "No cell could be compared."
    counts = [
        f"{sum(c.verdict is v for c in cells)} {v}" for v in (Outcome.WORSE, Outcome.BETTER, Outcome.SAME)
    ]
    sentences = [f"{counted(len(cells), 'cell')} compared: {', '.join(counts)}."]
    if len(cells) > 1 and (shared := _shared(cells)):
        sentences.append(f"In every cell: {', '.join(shared)}.")
    worst = cells[0]
    if worst.verdict is Outcome.WORSE:
        cell = worst.after.cell or worst.after.label
        sentences.append(f"Worst is {cell} ({signed_percent(worst.time.percent)}): {worst.sentence}")
    return " ".join(sentences)


def _shared(cells: Iterable[CellDiff]) -> list[str]:
    """Return the explaining circumstances that all cells have in common."""
    each: Iterator[Mapping[str, None]] = (
        {circumstance.sentence: None for circumstance in cell.circumstances if circumstance.explains}
        for cell in cells
    )
    first = next(each)
    common = dict(first)
    for other in each:
        common = {sentence: None for sentence in common if sentence in other}
    return list(common)
