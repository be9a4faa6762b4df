"""SQL queries over everything that runs have stored: DuckDB over the history, the runs and their verdicts.

The views are `cells` and `ops` (the history, a row per cell and a row per op type of a cell: docs/verdicts.md), `runs`
and `verdicts`. Only those that a query names are read, and of the history only the columns that it needs. DuckDB runs
in this process and sees only these tables: no files, no network, and none of this program's variables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from itertools import chain, count
from threading import Thread
from typing import TYPE_CHECKING, Any

from qhas.failures import InvalidInput
from qhas.history.damage import Listener, log_damage
from qhas.history.files import Kind
from qhas.history.reading import SCHEMAS, Where, read_history
from qhas.machine.waits import asked
from qhas.outside_bytes import shown_limit
from qhas.outside_text import shown
from qhas.query_plan import LONGEST_SECONDS, columns_read, with_unread
from qhas.runs.listing import run_lines
from qhas.runs.stored import run_ids
from qhas.store import Store
from qhas.verdict.stored import stored_verdicts

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, Statement

_MEMORY = "4GB"
LARGEST_ANSWER = 1 << 30
"""Maximum bytes of an answer, which is held in memory: five million rows of `cells` with all columns."""
_ROWS_AT_ONCE = 100_000
_INTERRUPT_SECONDS = 0.1
_SETTINGS = {
    "memory_limit": _MEMORY,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

_NO_FILES = "set temp_directory = ''; set enable_external_access = false"
"""In this order: DuckDB spills nothing to disk, and reads and writes no other file."""


def ask(
    store: Store, question: str, left_out: Listener = log_damage, seconds: float = LONGEST_SECONDS
) -> pa.Table:
    """Return the answer to a SELECT over the views, as an Arrow table.

    `left_out` is called for each file of the history that cannot be read and is left out. Raises StoreError, and
    InvalidInput if `question` is not such a query, or is not answered after `seconds` of computing.
    """
    import duckdb  # takes a tenth of a second, needed only here

    with duckdb.connect(config=dict(_SETTINGS)) as connection:
        connection.execute(_NO_FILES)
        try:
            question.encode()  # an argument from a shell may not be valid text
            (statement,) = connection.extract_statements(question)
        except ValueError:
            raise InvalidInput("A query must be exactly one SELECT.") from None
        except duckdb.Error as error:
            raise _refusal(error) from None
        if statement.type != duckdb.StatementType.SELECT:
            raise InvalidInput(
                f"A query must be a SELECT, but this is {statement.type.name}; nothing was changed."
            )
        _register_named(connection, question, store, left_out)
        connection.execute("set lock_configuration = true")
        try:
            return _distinctly_named(_answer(connection, statement, seconds))
        except duckdb.Error as error:
            raise _refusal(error) from None


def _register_named(connection: DuckDBPyConnection, question: str, store: Store, left_out: Listener) -> None:
    named = [name for name in VIEWS if re.search(rf"\b{name}\b", question, re.IGNORECASE)]
    for name in _OTHERS.keys() & named:
        connection.register(name, _OTHERS[name](store))
    kinds = {name: kind for name, kind in _HISTORY.items() if name in named}
    read = columns_read(connection, question, {name: SCHEMAS[kind] for name, kind in kinds.items()})
    for name, kind in kinds.items():
        columns = [column for column in SCHEMAS[kind].names if column in read]
        table = read_history(store, Where(), columns, kind, left_out)
        connection.register(name, with_unread(table, SCHEMAS[kind]))


def _answer(connection: DuckDBPyConnection, statement: Statement, seconds: float) -> pa.Table:
    """Compute in a separate thread: DuckDB ignores signals while computing, and only another thread can stop it."""
    answer: Future[pa.Table] = Future()

    def compute() -> None:
        try:
            answer.set_result(_computed(connection, statement))
        except BaseException as error:
            answer.set_exception(error)

    thread = Thread(target=compute, name="qhas-query", daemon=True)
    try:
        with asked("the answer", f"computed for up to {seconds:g} s"):
            thread.start()
            thread.join(seconds)
        if not answer.done():
            raise InvalidInput(
                f"There is no answer after {seconds:g} s: join on a condition, end the recursion, or allow more time "
                "with --timeout."
            )
    finally:
        while thread.is_alive():  # an interrupt before the query has started has no effect
            connection.interrupt()
            thread.join(_INTERRUPT_SECONDS)
    return answer.result()


def _computed(connection: DuckDBPyConnection, statement: Statement) -> pa.Table:
    import pyarrow as pa

    with connection.sql(statement).to_arrow_reader(_ROWS_AT_ONCE) as reader:
        batches, size = list[pa.RecordBatch](), 0
        for batch in reader:
            batches.append(batch)
            if (size := size + batch.nbytes) > LARGEST_ANSWER:
                raise InvalidInput(
                    f"The answer is over {shown_limit(LARGEST_ANSWER)}, the maximum: "
                    "name the columns, aggregate, or set a LIMIT."
                )
        return pa.Table.from_batches(batches, reader.schema)


def _distinctly_named(answer: pa.Table) -> pa.Table:
    """Number the later ones of columns with the same name, as after a join: `state`, `state_2`."""
    names: list[str] = []
    for column in answer.column_names:
        numbered = (f"{column}_{number}" for number in count(2))
        names.append(next(name for name in chain([column], numbered) if name not in names))
    return answer.rename_columns(names)


def _refusal(error: Exception) -> InvalidInput:
    what = " ".join(shown(str(error)).split("\n\nLINE")[0].split())
    what = re.sub(r" Did you mean \"pg_[^?]*\?", "", what)  # DuckDB's own tables are not views of ours
    return InvalidInput(
        f"The query cannot be answered: {what.rstrip('.')}. The views are {', '.join(VIEWS)}."
    )


def runs_table(store: Store) -> pa.Table:
    """Return the view `runs`, the last started first."""
    import pyarrow as pa

    text, whole = pa.string(), pa.int64()
    types = {"run_id": text, "sweep": text, "state": text, "started_at": pa.timestamp("us", "UTC")}
    types |= {"cells": whole, "failed": whole, "missing": whole, "good": whole}
    lines = ({**vars(line), "good": line.good} for line in run_lines(store))
    return _table(lines, types)


def _verdicts(store: Store) -> pa.Table:
    import pyarrow as pa

    from qhas.verdict.model import CellVerdict

    others = {"schema_version": pa.int64(), "points": pa.int64(), "since": pa.date32()}
    others |= {name: pa.float64() for name in ("value", "baseline", "change_percent")}
    types = {name: others.get(name, pa.string()) for name in CellVerdict.model_fields}
    every = stored_verdicts(store, run_ids(store))
    rows = (verdict.model_dump(mode="json") | {"since": verdict.since} for verdict in every)
    return _table(rows, types)


def _table(rows: Iterable[Mapping[str, Any]], types: Mapping[str, pa.DataType]) -> pa.Table:
    """Build a table with these types, so that a store without rows has them too."""
    import pyarrow as pa

    chosen = [{name: row[name] for name in types} for row in rows]
    return pa.Table.from_pylist(chosen, pa.schema(list(types.items())))


_HISTORY = {"cells": Kind.CELLS, "ops": Kind.OPS}
_OTHERS: Mapping[str, Callable[[Store], pa.Table]] = {"runs": runs_table, "verdicts": _verdicts}
VIEWS = (*_HISTORY, *_OTHERS)
"""The views that a query may name."""
