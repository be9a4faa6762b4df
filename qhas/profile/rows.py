"""Long tables of files from outside, validated a column at a time: of thousands of rows, that takes a third of a model a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, get_type_hints

from pydantic import BaseModel, create_model

RowT = TypeVar("RowT", bound=NamedTuple)


def validated(row: type[RowT], rows: Sequence[Mapping[str, Any]]) -> tuple[RowT, ...]:
    """Every row with the fields of `row`; others are ignored, and of those that a row does not have it has the default.

    Raises KeyError for a field without a default, ValidationError, and TypeError or AttributeError for what is no row.
    """
    if not rows:
        return ()
    columns = _columns(row).model_validate(dict(zip(row._fields, _read(row, rows), strict=True)))
    return tuple(map(row._make, zip(*(getattr(columns, name) for name in row._fields), strict=True)))


@cache
def _columns(row: type[NamedTuple]) -> type[BaseModel]:
    kinds = {name: (list[kind], ...) for name, kind in get_type_hints(row).items()}  # type: ignore[valid-type]
    return create_model(f"Columns of {row.__name__}", **kinds)  # type: ignore[call-overload,no-any-return]


def _read(row: type[NamedTuple], rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Any]]:
    try:
        return list(zip(*map(itemgetter(*row._fields), rows), strict=True))
    except KeyError:
        return [_column(name, row._field_defaults, rows) for name in row._fields]


def _column(name: str, defaults: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    if name not in defaults:
        return [row[name] for row in rows]
    default = defaults[name]
    return [row.get(name, default) for row in rows]
