"""What is known of a question before it is asked: which columns it reads, by DuckDB's plan over views without rows, and how long it may take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LONGEST_SECONDS = 600
"""A question that takes longer is rarely what somebody meant: a join without a condition, a recursion without end."""
_READS = "PYTHON_ARROW_SCAN"
"""What the plan calls the reading of a view; anything else that reads may show columns without naming them."""
_READS_NONE = ("DUMMY_SCAN", "EMPTY_RESULT")


def columns_read(connection: DuckDBPyConnection, question: str, views: Mapping[str, pa.Schema]) -> set[str]:
    """Of these views, in whichever they are; all columns where the plan does not tell, or the question is none."""
    import duckdb

    every = {name for schema in views.values() for name in schema.names}
    for name, schema in views.items():
        connection.register(name, schema.empty_table())
    try:
        ((_, plan),) = connection.execute(f"explain (format json) {question}").fetchall()
        columns = [column for step in json.loads(plan) for column in _read(step)]
    except (duckdb.Error, ValueError, LookupError):
        return every
    finally:
        for name in views:
            connection.unregister(name)
    return every if None in columns else every.intersection(filter(None, columns))


def _read(step: Mapping[str, Any]) -> Iterator[str | None]:
    """Columns that a step of a plan reads and those below it; None for a step that does not tell."""
    if step["name"] == _READS:
        projections = step["extra_info"]["Projections"]
        yield from [projections] if isinstance(projections, str) else projections
    elif "SCAN" in step["name"] and step["name"] not in _READS_NONE:
        yield None
    for below in step.get("children", ()):
        yield from _read(below)


def with_unread(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with all columns of the schema, those it does not have as nulls, which are stored once: a question may name what it does not read."""
    import pyarrow as pa

    batches = table.to_batches()

    def column(field: pa.Field) -> pa.ChunkedArray:
        if field.name in table.column_names:
            return table.column(field.name)
        nulls = pa.nulls(max((len(batch) for batch in batches), default=0), field.type)
        return pa.chunked_array([nulls[: len(batch)] for batch in batches], field.type)

    return pa.table([column(field) for field in schema], schema)
