"""Documents that users write: faults are reported at their place, and a form is built from the schema."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from qhas.documents import Moment, describe, parse_yaml, require_distinct
from qhas.failures import InvalidInput
from qhas.site import Site
from qhas.sweep.sites import SiteRef
from qhas.sweep.spec import PrepareOptions, RunOptions, SweepSpec
from tests.source import modules, on_the_source, tree


def test_a_number_that_may_be_left_out_is_a_number_without_a_default() -> None:
    field = PrepareOptions.model_json_schema()["properties"]["vtcm_mb"]
    assert (field["type"], field["minimum"], field["maximum"]) == ("integer", 0, 64)
    assert "anyOf" not in field
    assert "default" not in field


def test_a_switch_that_may_be_left_out_keeps_its_third_position() -> None:
    field = PrepareOptions.model_json_schema()["properties"]["dlbc"]
    assert {"type": "null"} in field["anyOf"]


@on_the_source
def test_every_time_of_a_document_has_its_zone() -> None:
    """If two times did not compare, one damaged object would end every later command in a traceback."""
    loose = [
        f"{path.name}: {kind.name}.{ast.unparse(field)}"
        for path in modules("qhas")
        for kind in ast.walk(tree(path))
        if isinstance(kind, ast.ClassDef) and not kind.decorator_list
        if not {"NamedTuple", "Protocol"} & {ast.unparse(base) for base in kind.bases}
        for field in kind.body
        if isinstance(field, ast.AnnAssign)
        if {"datetime", "AwareDatetime"}
        & {name.id for name in ast.walk(field.annotation) if isinstance(name, ast.Name)}
    ]
    assert loose == []


@pytest.mark.parametrize(
    "text", ["2026-03-01T03:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "1e20"]
)
def test_a_time_that_compares_with_no_other_or_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_json(json.dumps(text))
    assert TypeAdapter(Moment).validate_json('"2026-03-01T03:00:00+09:00"').utcoffset() == timedelta(hours=9)


@pytest.mark.parametrize("model", [PrepareOptions, RunOptions, SweepSpec])
def test_fields_say_their_order(model: type[SweepSpec]) -> None:
    fields = model.model_json_schema()["properties"]
    assert [fields[name]["position"] for name in model.model_fields] == list(range(len(fields)))


def test_null_still_means_left_out() -> None:
    assert PrepareOptions.model_validate({"vtcm_mb": None}) == PrepareOptions()


@pytest.mark.parametrize(
    ("model", "document", "fault"),
    [
        (
            SweepSpec,
            "budgets: {net: {tme_us: 5}}",
            "budgets.net.tme_us: no such key; choose from latency_us, time_us",
        ),
        (
            SweepSpec,
            "prepare: {vtcm: 8}",
            "prepare.vtcm: no such key; choose from optimization_level, vtcm_mb",
        ),
        (Site, "sdk: {path: /opt}", "sdk.path: no such key; choose from root, env"),
        (Site, "sdk: {1: /opt, root: /opt}", "sdk.1: no such key; choose from root, env"),
        (
            Site,
            "devices: [{name: a, soc: sm8750, port: 1}]",
            "devices.0.port: no such key; choose from name, soc",
        ),
        (SiteRef, "patience: 5", "patience: no such key; choose from name, deployment"),
    ],
)
def test_a_typing_error_is_told_at_its_place_with_the_keys_there_are(
    model: type[SweepSpec], document: str, fault: str, tmp_path: Path
) -> None:
    (tmp_path / "file.yaml").write_text(document, encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        parse_yaml(tmp_path / "file.yaml", model, "sweep")
    assert fault in str(refused.value)


def test_every_typing_error_of_a_document_is_told() -> None:
    with pytest.raises(ValidationError) as refused:
        PrepareOptions.model_validate({"vtcm": 8, "threads": 4})
    assert describe(refused.value).count("no such key") == 2


def test_a_typing_error_hides_no_other_fault() -> None:
    with pytest.raises(ValidationError) as refused:
        PrepareOptions.model_validate({"vtcm": 8, "hvx_threads": 99})
    told = describe(refused.value)
    assert "vtcm: no such key" in told
    assert "hvx_threads: it should be at most 16" in told


@pytest.mark.parametrize(
    ("values", "words"),
    [("aba", "names differ; a is listed twice"), ("abab", "names differ; a, b are listed twice")],
)
def test_what_is_listed_twice_is_named(values: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        require_distinct("names differ", values)


def test_what_is_listed_once_passes() -> None:
    require_distinct("names differ", "abc")
