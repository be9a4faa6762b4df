"""The picture of a trace uses the QHAS file beside it only if both are of the same graph."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.profiles import chrometrace, core, op_event, qhas
from qhas.cell.artifacts import QHAS, TIMELINE, TRACE
from qhas.cell.chrometrace import _check_trace
from qhas.profile.picture import Timeline
from qhas.profile.qhas_file import parse_qhas


@pytest.mark.parametrize(("cycles", "drawn"), [(560_000, True), (6_038_358, False)])
def test_the_dominant_path_of_another_graph_is_not_drawn(tmp_path: Path, cycles: int, drawn: bool) -> None:
    step = {"op_id": "0x1", "htp_op": "q::Elsewhere", "qnn_op": "x", "dp_cycles": 9, "cycles": 9}
    summary = qhas(
        htp_overall_summary=[core(timeline_cycles=cycles)],
        dominant_path_htp_0=[step | {"start_cycle": 0, "end_cycle": 500_000}],
    )
    trace = tmp_path / TRACE
    trace.write_text(chrometrace([op_event(ts=0, dur=560_000)]))
    _check_trace(trace, parse_qhas(json.dumps(summary).encode(), QHAS))
    picture = Timeline.model_validate_json(trace.with_name(TIMELINE).read_text())
    assert ("q::Elsewhere" in {op.htp for op in picture.ops}) is drawn
