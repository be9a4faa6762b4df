"""Nothing that others rely on may disappear: every recorded line is still drawn from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract import draw


@pytest.mark.parametrize("name", draw.DRAWN)
def test_all_that_is_recorded_is_still_there(name: str, tmp_path: Path) -> None:
    assert draw.recorded(name) - set(draw.DRAWN[name](tmp_path)) == set()
