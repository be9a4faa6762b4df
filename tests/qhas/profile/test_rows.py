"""Tables from outside, read a column at a time, accept and refuse exactly what a model per row would."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct
from pydantic import ValidationError

from qhas.profile.rows import validated


class Row(Struct):
    name: str
    cycles: int
    dims: tuple[int, ...] = ()
    rate: float | None = None


WHOLE = {"name": "a", "cycles": 1, "dims": [2, 3], "rate": 0.5, "other": 7}


def test_rows_have_their_fields_whatever_else_the_file_tells() -> None:
    assert validated(Row, [WHOLE, WHOLE | {"name": "b"}]) == (
        Row("a", 1, (2, 3), 0.5),
        Row("b", 1, (2, 3), 0.5),
    )


def test_what_one_row_does_not_tell_is_the_default_there_only() -> None:
    assert validated(Row, [WHOLE, {"cycles": 2, "name": "b"}]) == (Row("a", 1, (2, 3), 0.5), Row("b", 2))


def test_no_rows_are_none() -> None:
    assert validated(Row, []) == ()


def test_a_field_that_has_no_default_is_named_where_a_row_lacks_it() -> None:
    with pytest.raises(KeyError, match="cycles"):
        validated(Row, [WHOLE, {"name": "b"}])


@pytest.mark.parametrize(
    "wrong", [{"cycles": "many"}, {"cycles": None}, {"dims": [[1]]}, {"name": 3}, {"rate": "fast"}]
)
def test_a_value_of_another_kind_is_refused_with_its_column_and_row(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        validated(Row, [WHOLE, WHOLE | wrong])
    assert refused.value.errors()[0]["loc"][:2] == (*wrong, 1)


@pytest.mark.parametrize("stranger", [7, None, [], "row"])
def test_what_is_no_row_is_refused(stranger: Any) -> None:
    with pytest.raises((TypeError, AttributeError)):
        validated(Row, [WHOLE, stranger])
