"""The list of SoCs is consistent data."""

from __future__ import annotations

import re

import pytest

from qhas.naming import check_soc
from qhas.socs import KNOWN_SOCS


@pytest.mark.parametrize("name", KNOWN_SOCS)
def test_every_known_soc_has_a_name_that_can_be_asked_for(name: str) -> None:
    assert check_soc(name) == name


@pytest.mark.parametrize("name", KNOWN_SOCS)
def test_facts_are_a_hexagon_version_and_megabytes_or_left_out(name: str) -> None:
    soc = KNOWN_SOCS[name]
    assert soc.hexagon is None or re.fullmatch(r"v\d\d", soc.hexagon)
    assert soc.vtcm_mb is None or soc.vtcm_mb in (2, 4, 8, 16)


@pytest.mark.parametrize(
    ("name", "hexagon", "vtcm_mb"), [("sm8750", "v79", 8), ("sa8255", "v73", 8), ("sa8797", "v81", 16)]
)
def test_published_facts(name: str, hexagon: str, vtcm_mb: int) -> None:
    assert KNOWN_SOCS[name] == (hexagon, vtcm_mb)
