"""Tables of many figures fit the terminal without truncating a figure."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from qhas.cli.tables.turned import fitting

TITLES = ["SoC and context", *(f"figure number {number}" for number in range(11))]
ROWS = [[f"qcs{soc} 4,096", *(f"{soc}{number}.5 MB" for number in range(11))] for soc in range(9100, 9107)]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 400])
def test_no_figure_is_cut_however_narrow_the_terminal(width: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=width)
    for table in fitting([TITLES, *ROWS], width):
        console.print(table)
    assert "…" not in file.getvalue()
    assert all(cell in file.getvalue() for row in [TITLES, *ROWS] for cell in row)
    assert max(map(len, file.getvalue().splitlines())) <= width


def test_a_wide_terminal_has_a_line_for_each_row() -> None:
    (table,) = fitting([TITLES, *ROWS], 400)
    assert table.row_count == len(ROWS)
