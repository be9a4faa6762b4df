"""What is known about a run beyond its records: verdicts, comparisons with the baseline, its cells' histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from qhas.diff.model import CellDiff
from qhas.runs.accepted import Acceptance
from qhas.verdict.model import CellVerdict, Verdict


@dataclass(frozen=True)
class HistoryPoint:
    """A cell's figure on one night. Points of the same segment may be compared: same SDK, firmware and device."""

    moment: datetime
    run_id: str
    value: float
    segment: str
    verdict: Verdict | None = None


@dataclass(frozen=True)
class History:
    """A figure of a cell over the nights, the current one last. `title` names it with its unit."""

    title: str
    points: Sequence[HistoryPoint]


@dataclass(frozen=True)
class Findings:
    """Findings by cell key; a cell without any has no entry."""

    morning: str = ""
    """A ten-second summary of the verdicts; empty for a run that was not judged."""
    baseline: str | None = None
    """The run that the diffs compare with."""
    verdicts: Mapping[str, Sequence[CellVerdict]] = field(default_factory=dict)
    diffs: Mapping[str, CellDiff] = field(default_factory=dict)
    histories: Mapping[str, Sequence[History]] = field(default_factory=dict)
    accepted: Mapping[str, Acceptance] = field(default_factory=dict)
    """The level that was last accepted, up to this run."""
    unreadable: Sequence[str] = ()
    """Files of the history that were left out, with the reason."""

    @property
    def judged(self) -> bool:
        """Whether there were earlier nights to compare any cell with."""
        return any(
            verdict.verdict.says_something or verdict.upgrade
            for each in self.verdicts.values()
            for verdict in each
        )
