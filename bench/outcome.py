"""What a contender left of each cell, and whether all contenders did the same work.

A benchmark of contenders that do different things measures nothing, so a round counts only if every trace is
complete, and traces, figures and command lines agree.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bench.failure import BenchFailed
from bench.job import Job
from bench.plain import CALLS
from bench.request import site_of, spec_of
from bench.trace_file import check_trace
from qhas.cell.artifacts import TRACE
from qhas.profile.metrics import Metrics, metrics_of
from qhas.profile.qhas_file import QhasInvalid, read_qhas
from qhas.profile.trace import TraceFacts, TraceInvalid
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.runs.stored import planned_cells, read_cell
from qhas.store import Store
from qhas.sweep.spec import Cell

_SUMMARY = f"{TRACE.removesuffix('.json')}_qnn_htp_analysis_summary.json"


class OutcomeInvalid(BenchFailed):
    """A contender left less than it should, or something different from the others. The message says which and what."""


@dataclass(frozen=True)
class CellOutcome:
    """A cell's figures, read from its files, and its tools' command lines and seconds."""

    trace: TraceFacts
    metrics: Metrics
    commands: tuple[tuple[str, ...], ...]
    seconds: float


Outcome = Mapping[str, CellOutcome]
"""The outcomes of cells, keyed by cell."""


def plain_outcome(job: Job) -> Outcome:
    """Read what plain scripts left in the job's folder. Raises OutcomeInvalid if files are missing or damaged."""
    folder = Path(job.folder)
    calls = json.loads((folder / CALLS).read_text(encoding="utf-8"))
    return {
        key: _outcome(key, folder / key, [argv for argv, _ in made], sum(seconds for _, seconds in made))
        for key, made in calls.items()
    }


def published_outcome(job: Job) -> Outcome:
    """Read what the product published in the job's store.

    Raises OutcomeInvalid if files are missing or damaged, or a cell is not complete.
    """
    store = Store(site_of(job).store)
    return {cell.key: _published(store, job.run_id, cell) for cell in planned_cells(spec_of(job))}


def _published(store: Store, run_id: str, cell: Cell) -> CellOutcome:
    record = read_cell(store, run_id, cell)
    if record is None or not record.good:
        raise OutcomeInvalid(f"{cell.key} was not published as complete")
    tools = [tool for attempt in record.attempts for tool in attempt.tools]
    with tempfile.TemporaryDirectory(prefix="qhas-bench-") as scratch:
        for name, target in (("chrometrace", TRACE), ("qhas", _SUMMARY)):
            _unpack(store, record, name, Path(scratch) / target)
        seconds = sum(tool.seconds for tool in tools)
        return _outcome(cell.key, Path(scratch), [tool.argv for tool in tools], seconds)


def _unpack(store: Store, record: CellRecord, name: str, target: Path) -> None:
    artifact = record.artifact(name)
    content = artifact and store.read(keys.file(record, artifact))
    if not content:
        raise OutcomeInvalid(f"{record.cell.key} has no stored {name}")
    target.write_bytes(gzip.decompress(content))


def _outcome(key: str, folder: Path, commands: list[list[str]], seconds: float) -> CellOutcome:
    try:
        trace, metrics = check_trace(folder / TRACE), metrics_of(read_qhas(folder / _SUMMARY))
    except (OSError, TraceInvalid, QhasInvalid) as error:
        raise OutcomeInvalid(f"{key}: {error}") from error
    return CellOutcome(trace, metrics, tuple(map(without_folders, commands)), seconds)


def without_folders(argv: Sequence[str]) -> tuple[str, ...]:
    """Reduce the paths in a command line to file names, since contenders work in different folders."""
    return tuple(f"{name}{equals}{_file(value)}" for name, equals, value in map(_split, argv))


def _split(word: str) -> tuple[str, str, str]:
    option = word.startswith("--") and "=" in word
    name, equals, value = word.partition("=") if option else ("", "", word)
    return name, equals, value


def _file(value: str) -> str:
    return PurePosixPath(value).name if value.startswith("/") else value


def require_same(outcomes: Mapping[str, Outcome], cells: int) -> None:
    """Raise OutcomeInvalid unless each contender did `cells` cells, all with equal figures and commands."""
    (first, expected), *others = outcomes.items()
    for contender, outcome in outcomes.items():
        if len(outcome) != cells:
            raise OutcomeInvalid(f"{contender} wrote {len(outcome)} valid traces of {cells}")
    for contender, outcome in others:
        for key, cell in expected.items():
            for what in ("trace", "metrics", "commands"):
                _require_equal(f"{what} of {key}", first, cell, contender, outcome.get(key), what)


def _require_equal(
    place: str, first: str, one: CellOutcome, second: str, other: CellOutcome | None, what: str
) -> None:
    theirs = other and getattr(other, what)
    if getattr(one, what) != theirs:
        raise OutcomeInvalid(f"{place} differs: {first} has {getattr(one, what)}, {second} has {theirs}")
