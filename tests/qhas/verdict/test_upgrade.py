"""A new SDK: every cell is compared with its level before, at once, in a table of its own."""

from __future__ import annotations

from collections import defaultdict

import pytest

from fakes.records import run_record
from qhas.sweep.spec import OnUpgrade
from qhas.verdict.alarms import fails, newly_worse
from qhas.verdict.ladder import Ladder
from qhas.verdict.model import CellVerdict, SdkOutcome
from qhas.verdict.night import judge_night
from qhas.verdict.point import SeriesKey
from qhas.verdict.sentences import verdict_of
from qhas.verdict.summary import morning_line, morning_page
from qhas.verdict.upgrade import upgrade_tables
from tests.qhas.nights import wobbling
from tests.qhas.verdict.test_ladder import KEY, at

FACTORS = (1.12, 1.06, 0.93, 1.0, 1.01, 1.0)


@pytest.fixture(scope="module")
def first_night() -> list[CellVerdict]:
    """The verdicts on six networks on their first night with a new SDK, after thirty with the old one."""
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    for night in range(31):
        sdk = "2.51" if night == 30 else "2.50"
        points = {
            KEY._replace(network=f"net{n}"): at(
                night,
                wobbling(night + n, 1000 * (factor if night == 30 else 1)),
                sdk=sdk,
                artifact=f"{sdk}-{n}",
            )
            for n, factor in enumerate(FACTORS)
        }
        found = judge_night(ladders, points)
    return [verdict_of(key, one) for key, one in found.items()]


def test_cells_are_ranked_against_the_level_before_on_the_first_night(first_night: list[CellVerdict]) -> None:
    (table,) = upgrade_tables(first_night)
    assert str(table) == "upgrade 2.50 → 2.51: 2 of 6 cells slower, 1 faster"
    assert [row.cell.split("/")[0] for row in table.moved] == ["net0", "net1", "net2"]
    assert [row.cell.split("/")[0] for row in table.of(SdkOutcome.FASTER)] == ["net2"]


def test_no_cell_of_an_upgrade_is_said_to_have_been_judged(first_night: list[CellVerdict]) -> None:
    line = morning_line(first_night)
    assert line.startswith("Upgrade 2.50 → 2.51: 2 of 6 cells slower, 1 faster, the first: net0 on sm8750: ")
    assert "No regression" not in line
    page = morning_page(run_record(cells=6), first_night)
    assert "### upgrade 2.50 → 2.51: 2 of 6 cells slower, 1 faster" in page
    assert "| net0/sm8750/default | +1" in page


@pytest.mark.parametrize(
    ("choice", "events", "failed"),
    [(OnUpgrade.TABLE, 0, False), (OnUpgrade.EVENTS, 2, False), (OnUpgrade.FAIL, 2, True)],
)
def test_events_and_exit_code_are_by_choice(
    first_night: list[CellVerdict], choice: OnUpgrade, events: int, failed: bool
) -> None:
    assert len(newly_worse(first_night, choice)) == events
    assert fails(first_night, choice) is failed
