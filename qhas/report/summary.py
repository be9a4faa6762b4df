"""What a reader should know about a run in ten seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from qhas.diff.model import Outcome
from qhas.report.findings import Findings
from qhas.runs import keys
from qhas.runs.record import CellRecord, SweepRecord
from qhas.units import words


def summary(run: SweepRecord, cells: Sequence[CellRecord], findings: Findings) -> list[str]:
    """Sum up the run in sentences, the most urgent first; verdicts take the place of the comparison with the baseline."""
    changes = [findings.morning] if findings.morning else _changes(findings)
    sentences = [*_failures(run, cells), *_over_budget(cells), *changes] or ["Every cell is good."]
    return [*sentences, *_left_out(findings)]


def _failures(run: SweepRecord, cells: Sequence[CellRecord]) -> Iterator[str]:
    kinds = Counter(record.failure.kind for record in cells if record.failure)
    if kinds:
        listed = ", ".join(f"{count} {words(kind)}" for kind, count in kinds.most_common())
        yield f"{kinds.total()} failed: {listed}."
    if missing := run.cells - len({keys.whole_cell(record.cell.key) for record in cells}):
        yield f"{missing} not run."


def _over_budget(cells: Sequence[CellRecord]) -> Iterator[str]:
    over = [record.cell.label for record in cells if record.over_budget]
    if over:
        others = f" and {len(over) - 3} more" if len(over) > 3 else ""
        yield f"{len(over)} over budget: {', '.join(over[:3])}{others}."


def _left_out(findings: Findings) -> Iterator[str]:
    if files := findings.unreadable:
        others = f", and {len(files) - 1} more" if len(files) > 1 else ""
        yield f"History files that are left out: {files[0]}{others}."


def _changes(findings: Findings) -> Iterator[str]:
    diffs = sorted(findings.diffs.values(), key=lambda diff: -(diff.time.percent or 0))
    if not diffs:
        return
    counts = Counter(diff.verdict for diff in diffs)
    yield f"Against {findings.baseline}: {', '.join(f'{counts[verdict]} {verdict}' for verdict in Outcome)}."
    worst = diffs[0]
    if worst.verdict is Outcome.WORSE:
        yield f"Worst is {worst.after.cell}: {worst.sentence}"
