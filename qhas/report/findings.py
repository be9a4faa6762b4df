"""What was found out about a run beyond its records: verdicts, comparisons with the baseline, its cells' histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from qhas.diff.model import CellDiff
from qhas.runs.accepted import Acceptance
from qhas.verdict.model import CellVerdict, Verdict


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

    morning: str = ""
    """What the verdicts say in ten seconds; empty for a run that was not judged."""
    baseline: str | None = None
    """The run that the diffs are against."""
    verdicts: Mapping[str, Sequence[CellVerdict]] = field(default_factory=dict)
    diffs: Mapping[str, CellDiff] = field(default_factory=dict)
    histories: Mapping[str, Sequence[History]] = field(default_factory=dict)
    accepted: Mapping[str, Acceptance] = field(default_factory=dict)
    """The level that somebody has accepted last, up to this run."""
    unreadable: Sequence[str] = ()
    """Files of the history that were left out, with the reason."""

    @property
    def judged(self) -> bool:
        """Whether there were nights to hold any cell against."""
        return any(
            verdict.verdict.says_something or verdict.upgrade
            for each in self.verdicts.values()
            for verdict in each
        )
