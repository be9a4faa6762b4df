"""The search between two stored cells for where the time changed, halving as long as there is a point inside."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from qhas.diff.model import CellDiff, Outcome
from qhas.diff.runs import CellNotComparable, compare_cells
from qhas.failures import InvalidInput
from qhas.machine.digest import data_digest
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.upgrade.causes import cause_of, old_values
from qhas.upgrade.line import Point
from qhas.upgrade.model import Cause, CellUpgrade, Changed, FailedCell, Step, Upgrade
from qhas.upgrade.search import Stage

_ASKED = {Changed.OPTION: Cause.ASKED, Changed.DLC: Cause.NETWORK}


@dataclass
class Bisection:
    """The search from `before`, the first of `points`, to `after`, the last; both have been run."""

    store: Store
    points: Sequence[Point]
    before: CellRecord
    after: CellRecord
    threshold_percent: float
    records: dict[int, CellRecord] = field(default_factory=dict)
    failed: list[FailedCell] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def stages(self) -> Generator[Stage, None, Upgrade]:
        """Yield each sweep to run, and return the answer. Raises StoreError."""
        last = len(self.points) - 1
        self.records |= {0: self.before, last: self.after}
        whole = self._compared(0, last)
        open_spans, spans = ([(0, last)] if _moved(whole) else []), list[tuple[int, int]]()
        while open_spans:
            low, high = open_spans.pop()
            if high - low == 1:
                spans.append((low, high))
                continue
            middle = (low + high) // 2
            yield Stage(self.points[middle].run_id, self.points[middle].sweep())
            self._read(middle)
            halves = [(low, middle), (middle, high)]
            diffs = [self._compared(*half) for half in halves]
            moved = [half for half, diff in zip(halves, diffs, strict=True) if _moved(diff)]
            if None in diffs or not moved:  # each half is below the threshold, or the middle failed
                spans.append((low, high))
            else:
                open_spans += moved
        return self._answer(whole, [self._step(*span) for span in sorted(spans)])

    def _read(self, number: int) -> None:
        self.runs.append(self.points[number].run_id)
        _, records = load_run(self.store, self.runs[-1])
        if records:
            (self.records[number],) = records

    def _compared(self, low: int, high: int) -> CellDiff | None:
        try:
            old, new = self.records[low], self.records[high]
            return compare_cells(self.store, old, new, threshold_percent=self.threshold_percent)
        except KeyError:
            why = "an intermediate run left no record"
        except (CellNotComparable, InvalidInput) as error:
            why = str(error).rstrip(".")
        self.failed.append(FailedCell(cell=self._cell, why=why))
        return None

    def _step(self, low: int, high: int) -> Step:
        diff = self._compared(low, high)
        if diff is None:
            raise InvalidInput(f"{self.points[low].name} and {self.points[high].name} cannot be compared.")
        cause, why = self._cause(diff, low, high)
        return Step(
            before=self.points[low].name,
            after=self.points[high].name,
            first=high - low == 1,
            time=diff.time,
            cause=cause,
            why=why,
        )

    def _cause(self, diff: CellDiff, low: int, high: int) -> tuple[Cause, str]:
        """Return a requested change as the cause, if the span has one, otherwise what the comparison shows."""
        changed = {point.changed for point in self.points[low + 1 : high + 1]}
        requested = [cause for kind, cause in _ASKED.items() if kind in changed]
        if requested:
            return requested[0], diff.cause.sentence if diff.cause else self.points[high].name
        return cause_of(diff, old_values(self.records[low], self.records[high]))

    def _answer(self, whole: CellDiff | None, steps: list[Step]) -> Upgrade:
        halves = [self.records[number] for number in self.records if number not in (0, len(self.points) - 1)]
        cells = (
            [CellUpgrade(cell=self._cell, verdict=whole.verdict, time=whole.time, steps=steps)]
            if whole
            else []
        )
        return Upgrade(
            upgrade_id=f"bisect-{data_digest([point.run_id for point in self.points])[:8]}",
            before=self.before.run_id,
            after=self.after.run_id,
            between="run",
            threshold_percent=self.threshold_percent,
            cells=cells,
            failed=self.failed,
            runs=[self.before.run_id, *self.runs, self.after.run_id],
            compiled=sum(
                bool(record.prepared and not record.prepared.reused and record.finished_at >= self.began)
                for record in halves
            ),
        )

    @property
    def _cell(self) -> str:
        return f"{self.after.cell.model.name}/{self.after.cell.soc}"


def _moved(diff: CellDiff | None) -> bool:
    return diff is not None and diff.verdict is not Outcome.SAME
