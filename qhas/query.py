"""Questions in SQL over everything that runs have stored: DuckDB over the history, the runs and their verdicts.

The views are `cells` and `ops` (the history, a row a cell and a row an op type of a cell: docs/verdicts.md), `runs` and
`verdicts`. Only those that a question names are read. DuckDB runs in this process, sees these tables and nothing else:
neither files, nor the network, nor the variables of this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from qhas.failures import InvalidInput
from qhas.history.damage import Listener, log_damage
from qhas.history.files import Kind
from qhas.history.reading import Where, read_history
from qhas.outside_text import shown
from qhas.runs import keys
from qhas.runs.listing import run_lines
from qhas.store import Store
from qhas.verdict.stored import stored_verdicts

if TYPE_CHECKING:
    import pyarrow as pa

_MEMORY = "4GB"
_SETTINGS = {
    "memory_limit": _MEMORY,
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}

_Read = Callable[[Store, Listener], "pa.Table"]


def ask(store: Store, question: str, left_out: Listener = log_damage) -> pa.Table:
    """The answer to a SELECT over the views, as an Arrow table. Raises InvalidInput for what is no such question, and StoreError.

    `left_out` hears of each file of the history that cannot be read and does not count.
    """
    import duckdb  # a tenth of a second, which nobody else need pay

    with duckdb.connect(config=dict(_SETTINGS)) as connection:
        try:
            (statement,) = connection.extract_statements(question)
        except ValueError:
            raise InvalidInput("A question is one SELECT; this is none, or several.") from None
        except duckdb.Error as error:
            raise _refusal(error) from None
        if statement.type != duckdb.StatementType.SELECT:
            raise InvalidInput(
                f"A question is a SELECT, and this is {statement.type.name}; nothing is changed."
            )
        for name, read in VIEWS.items():
            if re.search(rf"\b{name}\b", question, re.IGNORECASE):
                connection.register(name, read(store, left_out))
        connection.execute("set lock_configuration = true")
        try:
            return _distinctly_named(connection.sql(statement).to_arrow_table())
        except duckdb.Error as error:
            raise _refusal(error) from None


def _distinctly_named(answer: pa.Table) -> pa.Table:
    """Of columns of one name, as a join has, the later ones are numbered: `state`, `state_2`."""
    names: list[str] = []
    for column in answer.column_names:
        numbered = (f"{column}_{number}" for number in count(2))
        names.append(next(name for name in chain([column], numbered) if name not in names))
    return answer.rename_columns(names)


def _refusal(error: Exception) -> InvalidInput:
    what = " ".join(shown(str(error)).split("\n\nLINE")[0].split())
    return InvalidInput(
        f"The question cannot be answered: {what.rstrip('.')}. The views are {', '.join(VIEWS)}."
    )


def _cells(store: Store, left_out: Listener) -> pa.Table:
    return read_history(store, Where(), left_out=left_out)


def _ops(store: Store, left_out: Listener) -> pa.Table:
    return read_history(store, Where(), kind=Kind.OPS, left_out=left_out)


def _runs(store: Store, _: Listener) -> pa.Table:
    lines = ({**vars(line), "good": line.good} for line in run_lines(store))
    names = ("run_id", "sweep", "state", "started_at", "cells", "failed", "missing", "good")
    return _table(lines, names)


def _verdicts(store: Store, _: Listener) -> pa.Table:
    from qhas.verdict.model import CellVerdict

    every = stored_verdicts(store, store.children(keys.RUNS))
    return _table((verdict.model_dump(mode="json") for verdict in every), tuple(CellVerdict.model_fields))


def _table(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> pa.Table:
    import pyarrow as pa

    every = list(rows)
    return pa.table({name: [row[name] for row in every] for name in names})


VIEWS: Mapping[str, _Read] = {"cells": _cells, "ops": _ops, "runs": _runs, "verdicts": _verdicts}
"""What a question may name, and how it is read."""
