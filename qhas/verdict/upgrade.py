"""Tables of what a new SDK does to a sweep's cells, each compared with its level before, from the first night on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from qhas.profile.figures import HEADLINE
from qhas.verdict.model import CellVerdict, SdkOutcome


@dataclass(frozen=True)
class UpgradeTable:
    """The cells whose time could be compared with its level under the SDK before, the slowest first."""

    before: str
    after: str
    rows: tuple[CellVerdict, ...]

    def of(self, outcome: SdkOutcome) -> list[CellVerdict]:
        """Return the rows with this outcome."""
        return [row for row in self.rows if row.upgrade and row.upgrade.outcome is outcome]

    @property
    def moved(self) -> list[CellVerdict]:
        """The rows that are slower, then those that are faster."""
        return [row for row in self.rows if row.upgrade and row.upgrade.outcome is not SdkOutcome.SAME]

    def __str__(self) -> str:
        slower, faster = (len(self.of(outcome)) for outcome in (SdkOutcome.SLOWER, SdkOutcome.FASTER))
        cells = f"{len(self.rows)} cell{'' if len(self.rows) == 1 else 's'}"
        return f"upgrade {self.before} → {self.after}: {slower} of {cells} slower, {faster} faster"


def upgrade_tables(verdicts: Iterable[CellVerdict]) -> list[UpgradeTable]:
    """Return a table for each pair of SDKs, the one with the most cells first; none if no cell has a new SDK."""
    rows = [verdict for verdict in verdicts if verdict.upgrade and verdict.metric is HEADLINE[verdict.origin]]
    pairs = Counter((verdict.upgrade.before, verdict.upgrade.after) for verdict in rows if verdict.upgrade)
    return [
        UpgradeTable(
            *pair,
            tuple(
                sorted(
                    (
                        verdict
                        for verdict in rows
                        if verdict.upgrade and (verdict.upgrade.before, verdict.upgrade.after) == pair
                    ),
                    key=lambda verdict: -(verdict.change_percent or 0),
                )
            ),
        )
        for pair, _ in pairs.most_common()
    ]


def slower_with_sdk(verdicts: Iterable[CellVerdict]) -> list[CellVerdict]:
    """Return the slower cells of all tables, in each table the slowest first."""
    return [row for table in upgrade_tables(verdicts) for row in table.of(SdkOutcome.SLOWER)]


def apart_from_upgrades(verdicts: Collection[CellVerdict]) -> list[CellVerdict]:
    """Return the verdicts on cells that are in no upgrade table.

    A figure that a new compiler has changed belongs to such a table, with its cell.
    """
    cells = {verdict.cell for verdict in verdicts if verdict.upgrade}
    return [verdict for verdict in verdicts if verdict.cell not in cells]
