"""Causes planted in real compilers and networks are named correctly, and none is invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.planted import planted

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow, pytest.mark.timeout(1800)]


def test_nine_of_ten_planted_causes_are_named_and_none_is_invented(tmp_path: Path) -> None:
    found = list(planted(tmp_path, ("plain", "wide")))
    counted = [one for one in found if one.counts]
    assert len(counted) >= 20
    assert sum(one.right for one in counted) >= 0.9 * len(counted), [one for one in counted if not one.right]
    assert not [one for one in found if one.invented]
