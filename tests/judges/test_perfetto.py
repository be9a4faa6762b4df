"""Perfetto's trace processor accepts good traces and names the faults of others."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.judges.node import JudgeError
from tests.judges.perfetto import QueryError, import_errors, query, query_all, slice_count, thread_names


def event(name: str, ts: int, dur: int, tid: int = 256) -> dict[str, Any]:
    return {"name": name, "ph": "X", "pid": 0, "tid": tid, "ts": ts, "dur": dur, "args": {"ID": "0x1"}}


THREAD_NAME = {
    "ph": "M",
    "pid": 0,
    "tid": 256,
    "name": "thread_name",
    "args": {"name": "Core:0 Type: HMX Tid: 256"},
}
GOOD = [event("q::Conv", 0, 40), event("q::Add", 40, 10), event("q::Mul", 5, 10, tid=512), THREAD_NAME]


def write(path: Path, events: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"header": {"artifact_type": "OP_TRACE"}, "traceEvents": events}))
    return path


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write(tmp_path / "trace.json", GOOD)


def test_a_good_trace_has_no_errors_and_all_slices(trace: Path) -> None:
    assert import_errors(trace) == {}
    assert slice_count(trace) == 3
    assert "Core:0 Type: HMX Tid: 256" in thread_names(trace)


def test_a_gzip_trace_is_the_same_trace(trace: Path) -> None:
    packed = trace.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    assert import_errors(packed) == {}
    assert slice_count(packed) == 3


def test_a_query_gives_dicts_with_numbers_texts_and_nulls(trace: Path) -> None:
    rows = query(
        trace, "select name, ts, dur, dur / 4e3 as quarter, null as missing from slice order by ts, name"
    )
    assert rows[0] == {"name": "q::Conv", "ts": 0, "dur": 40_000, "quarter": 10.0, "missing": None}
    assert [row["name"] for row in rows] == ["q::Conv", "q::Mul", "q::Add"]


def test_arguments_of_events_can_be_asked_for(trace: Path) -> None:
    rows = query(trace, "select extract_arg(arg_set_id, 'args.ID') as id from slice where name = 'q::Add'")
    assert rows == [{"id": "0x1"}]


def test_several_queries_share_one_load(trace: Path) -> None:
    first, second = query_all(trace, ["select 1 as a", "select 'x' as b where 0"])
    assert (first, second) == ([{"a": 1}], [])


def test_an_answer_of_many_rows_comes_whole(tmp_path: Path) -> None:
    long = write(tmp_path / "long.json", [event(f"op{number}", number * 10, 9) for number in range(20_000)])
    assert [row["ts"] for row in query(long, "select ts from slice order by ts")] == [
        number * 10_000 for number in range(20_000)
    ]


def test_overlapping_slices_of_a_thread_are_an_error(tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.json", [event("a", 0, 10), event("b", 5, 10)])
    assert import_errors(bad) == {"slice_drop_overlapping_complete_event": 1}


def test_an_event_without_a_time_is_an_error(tmp_path: Path) -> None:
    bad = write(
        tmp_path / "bad.json", [*GOOD, {"name": "x", "ph": "X", "pid": 0, "tid": 1, "ts": "soon", "dur": 1}]
    )
    assert import_errors(bad)


@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_trace_is_refused(trace: Path, packed: bool) -> None:
    content = gzip.compress(trace.read_bytes()) if packed else trace.read_bytes()
    trace.write_bytes(content[: len(content) * 2 // 3])
    assert "incomplete" in str(import_errors(trace)["load"])
    with pytest.raises(JudgeError, match="incomplete"):
        query(trace, "select 1")


@pytest.mark.parametrize("content", [b"", b"no trace"])
def test_a_file_that_is_no_trace_is_refused(trace: Path, content: bytes) -> None:
    trace.write_bytes(content)
    assert set(import_errors(trace)) == {"load"}


def test_wrong_sql_is_told_from_a_wrong_trace(trace: Path) -> None:
    with pytest.raises(QueryError, match="no such column: bogus"):
        query(trace, "select bogus from slice")
