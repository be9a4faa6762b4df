"""The tables that summarise a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.studies.trace_summary import OpTypeCycles, summarise_trace
from bench.trace_file import check_trace
from fakes.profiles import EVENTS, chrometrace, op_event
from qhas.profile.trace import TraceInvalid


def test_a_summary_ranks_op_types_and_names_threads(tmp_path: Path) -> None:
    file = tmp_path / "chrometrace.json"
    file.write_text(chrometrace([op_event("q::Add.tcm", dur=20), *EVENTS]), encoding="utf-8")
    summary = summarise_trace(file)
    assert summary.facts == check_trace(file)
    assert summary.phases == {"X": 6, "C": 1, "s": 1, "f": 1, "M": 1}
    assert summary.op_types == (
        OpTypeCycles("q::ConvLayer_s1.opt", ops=1, cycles=100),
        OpTypeCycles("q::Add.tcm", ops=2, cycles=70),
    )
    assert summary.threads == {256: "Core:0 Type: HMX Tid: 256"}


@pytest.mark.parametrize("cycles", ['"many"', "null", "[]", '"inf"'])
def test_a_summary_refuses_an_op_whose_cycles_are_no_number(tmp_path: Path, cycles: str) -> None:
    file = tmp_path / "chrometrace.json"
    event = op_event(ts=77).replace('"Duration (cycles)": 100', f'"Duration (cycles)": {cycles}')
    file.write_text(chrometrace([event]), encoding="utf-8")
    with pytest.raises(TraceInvalid, match="op at cycle 77"):
        summarise_trace(file)
