"""A second nightly counts only if its cells and figures equal the first one's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.nightly import NightlyInvalid, require_equal_traces
from tests.bench.test_outcome import CELL, DIFFERENT


def test_equal_figures_count_whatever_the_tools_took() -> None:
    require_equal_traces({"net/a": CELL}, {"net/a": replace(CELL, seconds=9.0, commands=())})


@pytest.mark.parametrize("what", ["trace", "metrics"])
def test_other_figures_do_not(what: str) -> None:
    with pytest.raises(NightlyInvalid, match="figures for net/a differ from the first's"):
        require_equal_traces({"net/a": CELL}, {"net/a": replace(CELL, **{what: DIFFERENT[what]})})


def test_other_cells_do_not() -> None:
    with pytest.raises(NightlyInvalid, match="cells differ from the first's"):
        require_equal_traces({"net/a": CELL}, {})
