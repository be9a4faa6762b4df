"""What changed between two runs or two cells, for a notebook."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from qhas.archive.display import html_table
from qhas.diff.model import CellDiff, RunDiff
from qhas.units import microseconds, signed_percent, signed_time

_TEXT, _REAL = pa.string(), pa.float64()
_CELLS = pa.schema(
    [
        ("cell", _TEXT),
        ("verdict", _TEXT),
        ("before_us", _REAL),
        ("after_us", _REAL),
        ("change_percent", _REAL),
        ("sentence", _TEXT),
    ]
)
_PARTS = pa.schema([("cell", _TEXT), ("part", _TEXT), ("name", _TEXT), ("us", _REAL), ("cycles", _REAL)])


@dataclass(frozen=True)
class Comparison:
    """A comparison of two runs or two cells.

    `diff` has everything; its differences are after minus before, so a positive difference in time is a loss.
    """

    diff: RunDiff | CellDiff

    @property
    def sentence(self) -> str:
        """One sentence on what changed and why."""
        return self.diff.sentence

    @property
    def _cells(self) -> list[CellDiff]:
        return [self.diff] if isinstance(self.diff, CellDiff) else self.diff.cells

    def cells(self) -> pa.Table:
        """Return a row per compared cell, the worst first."""
        return pa.Table.from_pylist(
            [
                {
                    "cell": _name(cell),
                    "verdict": str(cell.verdict),
                    "before_us": cell.time.before,
                    "after_us": cell.time.after,
                    "change_percent": cell.time.percent,
                    "sentence": cell.sentence,
                }
                for cell in self._cells
            ],
            _CELLS,
        )

    def contributions(self) -> pa.Table:
        """Return the parts that add up to each cell's change, the largest first."""
        return pa.Table.from_pylist(
            [
                {
                    "cell": _name(cell),
                    "part": str(contribution.part),
                    "name": contribution.name,
                    "us": contribution.us,
                    "cycles": contribution.cycles,
                }
                for cell in self._cells
                for contribution in cell.contributions
            ],
            _PARTS,
        )

    def __repr__(self) -> str:
        return f"<Comparison: {self.sentence}>"

    def _repr_html_(self) -> str:
        if isinstance(self.diff, CellDiff):
            parts = [(part.name, signed_time(part.us)) for part in self.diff.contributions]
            return html_table(self.sentence, ("part", "change"), parts)
        titles = ("cell", "verdict", "before", "after", "change", "why")
        return html_table(self.sentence, titles, map(_row, self._cells))


def _row(cell: CellDiff) -> tuple[str, ...]:
    times = (_time(cell.time.before), _time(cell.time.after), signed_percent(cell.time.percent))
    return (_name(cell), cell.verdict, *times, cell.sentence)


def _time(us: float | None) -> str:
    return "" if us is None else microseconds(us)


def _name(cell: CellDiff) -> str:
    return cell.after.cell or cell.after.label
