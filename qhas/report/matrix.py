"""The cells of one origin as a matrix: a row per network and variant, a column per SoC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qhas.profile.figures import LATENCY, TIME
from qhas.report.findings import Findings
from qhas.report.links import cell_page
from qhas.report.standing import Standing, standing
from qhas.runs.record import CellRecord
from qhas.runs.rows import row
from qhas.sweep.spec import DEFAULT


@dataclass(frozen=True)
class MatrixCell:
    """A cell with its page, its headline figure and its standing."""

    href: str
    label: str
    figure: str
    standing: Standing


@dataclass(frozen=True)
class MatrixRow:
    """A network in a variant; `variant` is empty for the default. A SoC for which the run has no such cell has None."""

    network: str
    variant: str
    cells: list[MatrixCell | None]


@dataclass(frozen=True)
class Matrix:
    """Rows over SoCs, both in the order of the plan."""

    socs: list[str]
    rows: list[MatrixRow]


def matrix(records: Sequence[CellRecord], findings: Findings) -> Matrix:
    """Arrange these cells as a matrix."""
    socs = list(dict.fromkeys(record.cell.soc for record in records))
    rows: dict[tuple[str, str], dict[str, CellRecord]] = {}
    for record in records:
        rows.setdefault((record.cell.model.name, record.cell.variant), {})[record.cell.soc] = record
    return Matrix(
        socs,
        [
            MatrixRow(
                network,
                "" if variant == DEFAULT else variant.removeprefix(f"{DEFAULT}/"),
                [_cell(cells_by_soc[soc], findings) if soc in cells_by_soc else None for soc in socs],
            )
            for (network, variant), cells_by_soc in rows.items()
        ],
    )


def headline(record: CellRecord) -> str:
    """Return the figure to look at first, as text; empty for a failed cell.

    This is a language model's rate, the median latency, or else the QHAS time.
    """
    if record.good and (rate := row(record).tokens):
        return f"{rate} tokens/s"
    values = {figure: figure.read(record) for figure in (LATENCY, TIME)} if record.good else {}
    return next((figure.text(value) for figure, value in values.items() if value is not None), "")


def _cell(record: CellRecord, findings: Findings) -> MatrixCell:
    return MatrixCell(cell_page(record.cell), record.cell.label, headline(record), standing(record, findings))
