"""What was found out about a run beyond its records: verdicts, the comparison with its baseline, its cells' histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from qhas.diff.model import CellDiff, RunDiff
from qhas.runs import run_prefix
from qhas.store import Store
from qhas.verdict.model import VERDICTS, CellVerdict, Verdict

DIFF = "diff.json"
"""Name of the comparison with the baseline below a run's prefix."""
_VERDICTS = TypeAdapter(list[CellVerdict])
T = TypeVar("T")


@dataclass(frozen=True)
class HistoryPoint:
    """One night of a cell's figure. Points of one segment may be compared: same SDK, firmware and device."""

    moment: datetime
    run_id: str
    value: float
    segment: str
    verdict: Verdict | None = None


@dataclass(frozen=True)
class History:
    """A figure of a cell over the nights, this one last. `title` names it with its unit."""

    title: str
    points: Sequence[HistoryPoint]


@dataclass(frozen=True)
class Findings:
    """By cell key; a cell that nothing was found out about has no entry."""

    summary: Sequence[str] = ()
    """Sentences that say in ten seconds what somebody should know in the morning, the most urgent first."""
    verdicts: Mapping[str, Sequence[CellVerdict]] = field(default_factory=dict)
    diffs: Mapping[str, CellDiff] = field(default_factory=dict)
    baseline: str | None = None
    """The run that the diffs are against."""
    histories: Mapping[str, Sequence[History]] = field(default_factory=dict)


NOTHING = Findings()


def read_findings(store: Store, run_id: str) -> Findings:
    """What is stored with the run; what a later version wrote and this one cannot read counts as absent."""
    diff = _read(store, f"{run_prefix(run_id)}/{DIFF}", TypeAdapter(RunDiff))
    verdicts: dict[str, list[CellVerdict]] = {}
    for verdict in _read(store, f"{run_prefix(run_id)}/{VERDICTS}", _VERDICTS) or []:
        verdicts.setdefault(verdict.cell, []).append(verdict)
    return Findings(
        verdicts=verdicts,
        diffs={one.after.cell: one for one in diff.cells if one.after.cell} if diff else {},
        baseline=diff.before if diff else None,
    )


def _read(store: Store, key: str, form: TypeAdapter[T]) -> T | None:
    content = store.read(key)
    try:
        return form.validate_json(content) if content else None
    except ValidationError:
        return None
