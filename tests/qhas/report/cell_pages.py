"""Pages of cells, for tests of their contents."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from fakes.profiles import chrometrace, qhas, qnn_op
from fakes.records import MOMENT, record, run_record
from qhas.diff.circumstances import Evidence
from qhas.profile.picture import Timeline, read_timeline
from qhas.profile.qhas_file import parse_qhas
from qhas.report.cell_page import cell_page_text
from qhas.report.findings import Findings, HistoryPoint
from qhas.report.gather import CellFiles
from qhas.report.ops import op_tables
from qhas.runs.record import CellRecord
from qhas.store import Store
from qhas.verdict.model import Verdict
from tests.qhas.report.page import Page

KEY = record().cell.key


def page_of(cell: CellRecord, findings: Findings | None = None, **files: Any) -> Page:
    return Page(cell_page_text(run_record(), cell, (None, None), findings or Findings(), CellFiles(**files)))


def tables(**sections: list[dict[str, Any]]) -> Any:
    return op_tables(Evidence(parse_qhas(json.dumps(qhas(**sections)).encode(), "qhas.json")))


def drawn(tmp_path: Path, *events: str) -> Timeline:
    trace = tmp_path / "chrometrace.json"
    trace.write_text(chrometrace(events))
    return read_timeline(trace)


def instance(name: str, kind: str = "Conv2d", dominant: int = 1) -> dict[str, Any]:
    return {**qnn_op(name, 10, dominant), "qnn_op": name, "qnn_op_type": kind}


def htp_instance(cycles: int, **changes: Any) -> dict[str, Any]:
    row = {"op_id": "0x100000007", "htp_op": "q::Conv", "qnn_op": "conv", "tid": 256, "cycles": cycles}
    return row | {"dtype": "QUInt8", "dims": [1, 1, 1, 8], "htp": 0} | changes


def put_run(store: Store, run_id: str, days: int, **changes: Any) -> None:
    run = run_record(run_id=run_id, started_at=MOMENT + timedelta(days=days), **changes)
    store.write(f"runs/{run_id}/sweep.json", run.model_dump_json().encode())


def nights(count: int) -> list[HistoryPoint]:
    return [
        HistoryPoint(
            MOMENT + timedelta(days=night),
            f"nightly-{night}",
            100.0 + night,
            "SDK 2.44" if night < 3 else "SDK 2.45",
            Verdict.NEW if night == 4 else Verdict.STEADY,
        )
        for night in range(count)
    ]
