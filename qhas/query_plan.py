"""What is known of a query before it runs: which columns it reads, and how long it may take.

The columns are those in DuckDB's plan over views without rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LONGEST_SECONDS = 600
"""A query that takes longer is rarely intended: a join without a condition, an endless recursion."""
_READS = "PYTHON_ARROW_SCAN"
"""The plan's name for reading a view; any other reading step may use columns without naming them."""
_READS_NONE = ("DUMMY_SCAN", "EMPTY_RESULT")


def columns_read(connection: DuckDBPyConnection, question: str, views: Mapping[str, pa.Schema]) -> set[str]:
    """Return the columns that a query reads from any of these views; all of them if the plan fails or does not say."""
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
    """Yield the columns that a step of a plan and those below it read; None for a step that does not say."""
    if step["name"] == _READS:
        projections = step["extra_info"]["Projections"]
        yield from [projections] if isinstance(projections, str) else projections
    elif "SCAN" in step["name"] and step["name"] not in _READS_NONE:
        yield None
    for below in step.get("children", ()):
        yield from _read(below)


def with_unread(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with all columns of the schema, the missing ones as nulls, stored once.

    A query may name columns that it does not read.
    """
    import pyarrow as pa

    batches = table.to_batches()

    def column(field: pa.Field) -> pa.ChunkedArray:
        if field.name in table.column_names:
            return table.column(field.name)
        nulls = pa.nulls(max((len(batch) for batch in batches), default=0), field.type)
        return pa.chunked_array([nulls[: len(batch)] for batch in batches], field.type)

    return pa.table([column(field) for field in schema], schema)
