"""`qhas open` prints addresses that fit a terminal of 24 lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.records import model, record
from qhas.cli.open import addresses
from qhas.report.serving import PERFETTO, serving
from qhas.store import Store
from qhas.sweep.spec import Cell

REPORT = "reports/one/index.html"


@pytest.mark.parametrize("traces", [1, 4, 5, 100])
def test_the_report_is_the_last_line_and_stays_on_the_screen(tmp_path: Path, traces: int) -> None:
    cells = [record(Cell(model=model(f"net{number}"), soc="sm8750")) for number in range(traces)]
    with serving(Store(str(tmp_path)), 0) as served:
        *lines, last = addresses(served, REPORT, cells)
        assert last == f"Report: {served.url(REPORT)}"
    if traces <= 4:
        assert [line.partition(": ")[0] for line in lines] == [cell.cell.label for cell in cells]
    else:
        assert lines == [f"{traces} traces: each cell's page opens its own in Perfetto."]
    assert PERFETTO not in last
