"""A stored run and its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from qhas.archive.asked import asked
from qhas.archive.display import html_table
from qhas.archive.files import Files
from qhas.archive.op_table import op_table
from qhas.history.columns import cell_rows
from qhas.profile.figures import BY_COLUMN, FIGURES
from qhas.profile.qhas_file import QhasFile, read_qhas
from qhas.runs.listing import find_cell
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.runs.rows import ORIGIN_TITLE, by_origin, columns, row
from qhas.units import counted, words
from qhas.verdict.model import CellVerdict
from qhas.verdict.stored import read_verdicts


class ArchivedCell:
    """A finished cell, or one graph of a cell with several; `record` has everything stored about it."""

    def __init__(self, files: Files, record: CellRecord) -> None:
        self._files = files
        self.record = record

    @property
    def key(self) -> str:
        """The cell's key, `<model>/<soc>/<variant>`."""
        return self.record.cell.key

    @property
    def figures(self) -> dict[str, float]:
        """The known figures of the cell, by column of the history: µs, bytes, cycles, MHz, percent."""
        values = {name: figure.read(self.record) for name, figure in BY_COLUMN.items()}
        return {name: value for name, value in values.items() if value is not None}

    def ops(self) -> pa.Table:
        """Return a row per op of the network, in its order; no rows if the cell has no QHAS summary."""
        return op_table(self._files.store, [self.record])

    def file(self, name: str) -> Path:
        """Return a stored file by its name in the record, as in `chrometrace`, `qhas`, `log`. Do not write to it."""
        return self._files.path(self.record, name)

    def trace(self) -> Path:
        """Return the chrometrace as stored, which Perfetto opens; `ts` and `dur` are HTP cycles."""
        return self.file("chrometrace")

    def qhas(self) -> QhasFile:
        """Return the QHAS summary. Raises QhasInvalid if it is damaged."""
        return read_qhas(self.file("qhas"))

    def __repr__(self) -> str:
        return f"<ArchivedCell {self.record.run_id}/{self.key}: {self.record.status}>"

    def _repr_html_(self) -> str:
        title = f"{self.record.cell.label} of {self.record.run_id}. {ORIGIN_TITLE[self.record.origin]}"
        if failure := self.record.failure:
            reasons = [(words(failure.kind), f"{failure.message} {failure.hint}")]
            return html_table(title, ("failed", "why, and what next"), reasons)
        rows = [
            (figure.title_of(self.record.origin), figure.text(value))
            for figure in FIGURES
            if (value := figure.read(self.record)) is not None
        ]
        return html_table(title, ("figure", "value"), rows)


class ArchivedRun:
    """A run with its finished cells in the order of the plan; a cell with several graphs appears once per graph."""

    def __init__(self, files: Files, record: SweepRecord, records: Sequence[CellRecord]) -> None:
        self._files = files
        self.record = record
        self._records = by_graph(records)
        self.cells = [ArchivedCell(files, each) for each in self._records]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.run_id

    def cell(self, key: str) -> ArchivedCell:
        """Return the cell `<model>/<soc>/<variant>`; the variant may be left out if it is `default`.

        Raises InvalidInput if the run has no such finished cell.
        """
        record = find_cell(self._records, self.run_id, asked(key, "A cell", "resnet50/sa8255"))
        return next(cell for cell in self.cells if cell.record is record)

    def figures(self) -> pa.Table:
        """Return a row per cell with the columns of the history (docs/verdicts.md).

        `origin` distinguishes measured from simulated figures.
        """
        return cell_rows(self.record, self._records, {})

    def ops(self) -> pa.Table:
        """Return a row per op of the network, for every cell that has a QHAS summary."""
        return op_table(self._files.store, self._records)

    def verdicts(self) -> list[CellVerdict]:
        """Return the verdicts on the run's cells, which compare them with the nights before."""
        return read_verdicts(self._files.store, self.run_id)

    def __repr__(self) -> str:
        return f"<ArchivedRun {self.run_id}: {self.record.state}, {counted(len(self.cells), 'cell')}>"

    def _repr_html_(self) -> str:
        parts = []
        for origin, records in by_origin(self._records):
            shown = columns(origin, records)
            rows = [[asdict(row(each))[column.field] for column in shown] for each in records]
            title = f"{self.run_id}: {ORIGIN_TITLE[origin]}"
            parts.append(html_table(title, [column.title for column in shown], rows))
        return "".join(parts) or html_table(f"{self.run_id}: no cell is finished", (), ())
