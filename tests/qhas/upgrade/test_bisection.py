"""Between two stored cells, the change that made the difference is found, alone or among others that made none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.records import model
from qhas.diff.model import Outcome
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.sweep.spec import Cell, PrepareOptions, RunOptions
from qhas.upgrade.bisection import Bisection
from qhas.upgrade.line import Point
from qhas.upgrade.model import Cause, Changed, Upgrade
from qhas.upgrade.page import page
from tests.qhas.upgrade.test_search import OPS, SDKS, Lab, run_stage, slower

SOC = "sm8750"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def line() -> list[Point]:
    """Three SDKs, then two options, then two DLCs."""
    start = PrepareOptions(vtcm_mb=2, hvx_threads=4)
    options = [
        start,
        PrepareOptions(vtcm_mb=8, hvx_threads=4),
        PrepareOptions(vtcm_mb=8, hvx_threads=2),
    ]
    rows: list[tuple[str, Changed, str, str, PrepareOptions]] = [
        ("run old", Changed.NOTHING, "v1", SDKS[0], start),
        *((f"SDK {sdk}", Changed.SDK, "v1", sdk, start) for sdk in SDKS[1:3]),
        ("vtcm_mb: 8", Changed.OPTION, "v1", SDKS[2], options[1]),
        ("hvx_threads: 2", Changed.OPTION, "v1", SDKS[2], options[2]),
        *((f"DLC {version}", Changed.DLC, version, SDKS[2], options[2]) for version in ("v2", "v3")),
    ]
    return [
        Point(name, changed, model("net", dlc=f"{version}.dlc"), SOC, sdk, prepare, RunOptions())
        for name, changed, version, sdk, prepare in rows
    ]


def answer(store: Store, lab: Lab) -> tuple[Upgrade, int]:
    """The search's answer if `lab` runs every sweep, and the number of sweeps that it ran."""
    points = line()
    ends = []
    for number, point in ((0, points[0]), (1, points[-1])):
        run_stage(store, f"night-{number}", point.sweep(), lab)
        ends += load_run(store, f"night-{number}")[1]
    search, run = Bisection(store, points, ends[0], ends[1], 3.0).stages(), 0
    while True:
        try:
            stage = next(search)
        except StopIteration as ended:
            return ended.value, run
        run += 1
        run_stage(store, stage.run_id, stage.spec, lab)


def reached(cell: Cell, change: str) -> bool:
    """Whether a cell includes a change of the line."""
    return {
        "SDK 2.48": cell.sdk != "2.47",
        "SDK 2.49": cell.sdk == "2.49",
        "vtcm_mb: 8": cell.prepare.vtcm_mb == 8,
        "hvx_threads: 2": cell.prepare.hvx_threads == 2,
        "DLC v2": cell.model.dlc != "v1.dlc",
        "DLC v3": cell.model.dlc == "v3.dlc",
    }[change]


CHANGES = [point.name for point in line()[1:]]


@pytest.mark.parametrize("change", CHANGES)
def test_the_change_that_did_it_is_named_alone_in_at_most_three_runs(store: Store, change: str) -> None:
    found, run = answer(store, lambda cell: (slower(OPS) if reached(cell, change) else OPS, {}))
    (step,) = found.cells[0].steps
    assert (step.after, step.first) == (change, True)
    assert (found.good, run <= 3) == (False, True)


@pytest.mark.parametrize(("first", "second"), list(zip(CHANGES, CHANGES[2:], strict=False)))
def test_two_changes_are_two_steps_in_their_order(store: Store, first: str, second: str) -> None:
    def lab(cell: Cell) -> tuple[list[Any], dict[str, Any]]:
        ops = slower(OPS) if reached(cell, first) else OPS
        return (slower(ops) if reached(cell, second) else ops), {}

    assert [step.after for step in answer(store, lab)[0].cells[0].steps] == [first, second]


def test_options_somebody_gave_and_dlcs_are_causes_of_their_own(store: Store) -> None:
    def lab(cell: Cell) -> tuple[list[Any], dict[str, Any]]:
        ops = slower(OPS) if reached(cell, "vtcm_mb: 8") else OPS
        return (slower(ops) if reached(cell, "DLC v2") else ops), {}

    found, _ = answer(store, lab)
    asked, network = found.cells[0].steps
    assert (asked.cause, asked.why) == (Cause.ASKED, "VTCM 2 → 8 MiB")
    assert network.cause is Cause.NETWORK
    assert "# run night-0 → night-1" in page(found)


def test_where_the_time_stayed_nothing_is_run_and_nothing_named(store: Store) -> None:
    found, run = answer(store, lambda _: (OPS, {}))
    assert (run, found.good, found.cells[0].verdict, found.cells[0].steps) == (0, True, Outcome.SAME, [])
