"""`qhas reproducer` refuses cells that have no figures, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from qhas.failures import FailureKind
from tests.qhas.cli.desk import Desk
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

OPS = [Made("conv1"), Made("add", "Add")]


def reproducer(desk: Desk, before: dict[str, Any], after: dict[str, Any]) -> str:
    """The refusal of a reproducer for two runs of a cell whose records have these facts."""
    for day, facts in enumerate((before, after)):
        store_run(desk.store, f"night-{day}", {"alpha": OPS}, day=day, changes={"alpha": facts})
    old, new = (f"night-{day}/alpha/sm8750/default" for day in range(2))
    return desk.plain_refusal("reproducer", old, new, "--site", "site.yaml")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"failure": FailureKind.LOG_EMPTY}, "it failed: "),
        ({"artifacts": []}, "it has no QHAS summary"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_cell_without_figures_is_refused(desk: Desk, facts: dict[str, Any], words: str, side: int) -> None:
    sides: list[dict[str, Any]] = [{}, {}]
    sides[side] = facts
    sentence = reproducer(desk, *sides)
    assert f"alpha/sm8750/default has no change to reproduce: in night-{side} {words}" in sentence
