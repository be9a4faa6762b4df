"""What a form is made from."""

from __future__ import annotations

import pytest

from qhas.sweep.spec import PrepareOptions, RunOptions, SweepSpec


def test_a_number_that_may_be_left_out_is_a_number_without_a_default() -> None:
    field = PrepareOptions.model_json_schema()["properties"]["vtcm_mb"]
    assert (field["type"], field["minimum"], field["maximum"]) == ("integer", 0, 64)
    assert "anyOf" not in field
    assert "default" not in field


def test_a_switch_that_may_be_left_out_keeps_its_third_position() -> None:
    field = PrepareOptions.model_json_schema()["properties"]["dlbc"]
    assert {"type": "null"} in field["anyOf"]


@pytest.mark.parametrize("model", [PrepareOptions, RunOptions, SweepSpec])
def test_fields_say_their_order(model: type[SweepSpec]) -> None:
    fields = model.model_json_schema()["properties"]
    assert [fields[name]["position"] for name in model.model_fields] == list(range(len(fields)))


def test_null_still_means_left_out() -> None:
    assert PrepareOptions.model_validate({"vtcm_mb": None}) == PrepareOptions()
