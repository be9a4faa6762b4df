"""The differences between two specs are reported value by value."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.records import model, spec
from qhas.sweep.difference import differences


def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return differences(spec(**before), spec(**after))


def test_equal_specs_have_no_difference() -> None:
    assert told({}, {}) == []


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({"prepare": {"vtcm_mb": 8}}, {"prepare": {"vtcm_mb": 2}}, "prepare.vtcm_mb: 8 -> 2"),
        ({"prepare": {"dlbc": True}}, {}, "prepare.dlbc: true -> not given"),
        ({"name": "nightly"}, {"name": "weekly"}, "name: nightly -> weekly"),
        (
            {"socs": ["sm8750", "qcs9100"]},
            {"socs": ["sm8750", "sa8797"]},
            "socs: + sa8797, - qcs9100",
        ),
        ({"socs": ["sm8750", "sm8650"]}, {"socs": ["sm8650", "sm8750"]}, "socs: in a different order"),
        ({"models": [model("a"), model("b")]}, {"models": [model("a"), model("c")]}, "models: + c, - b"),
        (
            {"models": [model("a", tags=["night"])]},
            {"models": [model("a", tags=["day"])]},
            "models.a.tags: + day, - night",
        ),
        ({"variants": {"vtcm_mb": [2]}}, {"variants": {"vtcm_mb": [2, 8]}}, "variants.vtcm_mb: + 8"),
    ],
)
def test_a_difference_is_a_line_with_its_place(
    before: dict[str, Any], after: dict[str, Any], line: str
) -> None:
    assert told(before, after) == [line]


def test_of_many_names_some_are_told() -> None:
    many = [model(f"net{number}") for number in range(40)]
    assert told({"models": many[:1]}, {"models": many}) == [
        "models: + net1, + net2, + net3, + net4, + net5, + net6, + 33 more"
    ]


def test_of_many_differences_a_screenful_is_told() -> None:
    names = [f"net{number}" for number in range(40)]
    lines = told(
        {"models": [model(name, dlc=f"/old/{name}.dlc") for name in names]},
        {"models": [model(name, dlc=f"/new/{name}.dlc") for name in names]},
    )
    assert len(lines) == 13
    assert lines[-1] == "and 28 more"


def test_a_long_value_is_cut_in_its_middle() -> None:
    (line,) = told({}, {"models": [model(dlc=f"/{'x' * 300}.dlc")]})
    assert len(line) < 180
    assert line.endswith(".dlc")


def test_no_password_of_an_address_is_told() -> None:
    (line,) = told({}, {"models": [model(dlc="sftp://me:secret@host/net.dlc")]})
    assert "secret" not in line
