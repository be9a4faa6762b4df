"""Long tables read the same decoded or validated, and one that is not in the vendor's form is left to validation."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins
from pydantic import ValidationError

from qhas.profile.long_tables import OPS, HtpOp, PathStep, load
from qhas.profile.qhas_file import QhasInvalid, parse_qhas
from qhas.profile.rows import validated
from tests.qhas.diff.summaries import Made, document

ROW = {
    "op_id": "0x1",
    "htp_op": "q::Add",
    "qnn_op": "add",
    "cycles": 7,
    "dims": [1, 8],
    "rank": 4,
    "hmx": True,
}
STEP = {"htp_op": "q::Add", "dp_cycles": 5, "op_id": "0x1", "partial": False}
STRANGE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
)
VALUES = (
    STRANGE
    | st.lists(STRANGE, max_size=2)
    | st.sampled_from(["7", "true", 3.0, 10**12, 10**12 + 1, -(1 << 63)])
)
FIELDS = (*HtpOp.__struct_fields__, "other")


def text_of(**sections: Any) -> bytes:
    return json.dumps(
        {"header": {}, "data": {name: {"data": rows} for name, rows in sections.items()}}
    ).encode()


def rows_of(text: bytes, section: str, row: type[HtpOp | PathStep]) -> list[Any] | None:
    """The rows as a reader of the file gets them, or None if they are refused."""
    loaded = load(text)
    try:
        rows = loaded.tables.get(section) or validated(row, loaded.document["data"][section]["data"])
    except (KeyError, ValidationError, TypeError, AttributeError):
        return None
    return [to_builtins(one) for one in rows]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3), min_size=1, max_size=3))
def test_a_row_is_the_same_whether_it_is_decoded_or_validated(changes: list[dict[str, Any]]) -> None:
    rows = [ROW | change for change in changes]
    text = text_of(**{OPS: rows})
    try:
        expected = [
            to_builtins(row)
            for row in validated(HtpOp, [ROW | change for change in orjson.loads(json.dumps(changes))])
        ]
    except (ValidationError, TypeError):
        expected = None
    assert rows_of(text, OPS, HtpOp) == expected
    assert rows_of(text_of(**{OPS: rows, "of_a_later_version": [{}]}), OPS, HtpOp) == expected


def test_a_section_that_nobody_knows_changes_nothing_of_the_others() -> None:
    file = document([Made("conv1")])
    known = load(json.dumps(file).encode())
    file["data"]["of_a_later_version"] = {"data": [{"op": "conv1"}]}
    loaded = load(json.dumps(file).encode())
    assert loaded.tables == known.tables
    assert loaded.tables
    added = {"of_a_later_version": {"data": [{"op": "conv1"}]}}
    assert loaded.document == known.document | {"data": known.document["data"] | added}


def test_what_the_vendor_writes_is_decoded_with_no_row_left_in_the_document() -> None:
    loaded = load(
        text_of(htp_op_instances=[ROW], dominant_path_htp_1=[STEP, STEP], htp_op_types=[{"op": "q"}])
    )
    assert {name: len(rows) for name, rows in loaded.tables.items()} == {OPS: 1, "dominant_path_htp_1": 2}
    assert loaded.document["data"][OPS] == {"data": []}
    assert loaded.document["data"]["htp_op_types"] == {"data": [{"op": "q"}]}
    assert b"q::Add" not in loaded.rest


@pytest.mark.parametrize(
    "change",
    [{"cycles": "7"}, {"cycles": True}, {"cycles": 10**12 + 1}, {"hmx": 1}, {"dims": ["1"]}],
    ids=str,
)
def test_what_is_not_as_the_vendor_writes_it_is_left_in_the_document_and_the_rest(
    change: dict[str, Any],
) -> None:
    loaded = load(text_of(htp_op_instances=[ROW | change], dominant_path_htp_0=[STEP]))
    assert set(loaded.tables) == {"dominant_path_htp_0"}
    assert loaded.document["data"][OPS]["data"] == [ROW | change]
    assert b"q::Add" in loaded.rest


@pytest.mark.parametrize("section", ["htp_op_instances", "dominant_path_htp_0"])
@pytest.mark.parametrize(
    "content", [None, [], 7, {"data": None}, {"data": {}}, {"data": [7]}, {"data": [{}]}], ids=repr
)
def test_a_section_of_another_shape_is_no_table_and_its_file_is_refused_or_read_without(
    section: str, content: Any
) -> None:
    file = document([Made("conv1")])
    file["data"][section] = content
    text = json.dumps(file).encode()
    assert section not in load(text).tables
    if isinstance(content, dict):
        with pytest.raises(QhasInvalid):
            parse_qhas(text, "qhas.json")
    else:
        assert section in parse_qhas(text, "qhas.json").missing


@pytest.mark.parametrize(
    "text", [b"[]", b"7", b'{"data": 7}', b'{"data": {}}', b'{"header": {}, "data": []}'], ids=repr
)
def test_what_is_no_file_is_loaded_as_it_is(text: bytes) -> None:
    assert load(text) == (orjson.loads(text), {}, text)
