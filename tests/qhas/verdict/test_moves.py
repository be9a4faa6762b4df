"""Devices that move, alone or all together."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from qhas.verdict.ladder import Ladder
from qhas.verdict.model import Verdict
from qhas.verdict.night import MOVE_ACCEPTED, judge_night
from qhas.verdict.point import Block, SeriesKey
from qhas.verdict.sentences import verdict_of
from tests.qhas.nights import wobbling
from tests.qhas.verdict.test_ladder import KEY, again, at

DEVICES = 3


def rack(
    moved: float, *, cells: int = 8, nights: int = 16, control: bool = False, rerun: bool = True
) -> list[Counter[Verdict]]:
    """Verdicts by night from when all devices of a rack become slower by `moved`, after thirty nights."""
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    found = []
    for night in range(30 + nights):
        points = {}
        for number in range(cells * DEVICES):
            device = Block(f"phone-{number % DEVICES}", "AP3A")
            level = (1000.0 + 50 * number) * (1 + (moved if night >= 30 else 0))
            points[KEY._replace(network=f"net{number}")] = at(
                night,
                wobbling(night + 3 * number, level),
                block=device,
                artifact=f"graph{number}",
                control=control and number < DEVICES,
                again=again(wobbling(night + 1, level), device) if rerun else None,
            )
        found.append(Counter(one.verdict for one in judge_night(ladders, points).values()))
    return found[30:]


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("moved", [0.02, 0.03, 0.035, 0.06, 0.2, -0.06])
@pytest.mark.parametrize("cells", [2, 8])
def test_a_rack_that_moves_is_no_crop_of_new(moved: float, control: bool, cells: int) -> None:
    found = rack(moved, control=control, cells=cells)
    assert sum(night[Verdict.NEW] + night[Verdict.IMPROVED] for night in found) == 0
    if abs(moved) >= 0.06:
        assert found[0][Verdict.ENVIRONMENTAL] == cells * DEVICES
    assert found[MOVE_ACCEPTED] == {Verdict.STEADY: cells * DEVICES}


def test_a_control_that_stands_still_does_not_silence_the_other_cells() -> None:
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    for night in range(31):
        points = {
            KEY._replace(network=f"net{n}"): at(
                night,
                wobbling(night + n, 1080.0 if night == 30 and n else 1000.0),
                artifact=f"graph{n}",
                control=n == 0,
            )
            for n in range(9)
        }
        found = judge_night(ladders, points)
    counted = Counter(one.verdict for one in found.values())
    assert counted == {Verdict.ENVIRONMENTAL: 8, Verdict.STEADY: 1}


@pytest.mark.parametrize(("graph", "verdict"), [("net", Verdict.ENVIRONMENTAL), (None, Verdict.SUSPICIOUS)])
def test_networks_exported_every_night_are_unchanged_if_their_graphs_are(
    graph: str | None, verdict: Verdict
) -> None:
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    for night in range(31):
        points = {
            KEY._replace(network=f"net{n}"): at(
                night,
                wobbling(night + n, 1080.0 if night == 30 else 1000.0),
                artifact=f"graph {n} of night {night}",
                model=f"DLC {n} of night {night}",
                graph=graph and f"{graph}{n}",
            )
            for n in range(8)
        }
        found = judge_night(ladders, points)
    assert {one.verdict for one in found.values()} == {verdict}
    sentences = [verdict_of(key, one).sentence for key, one in found.items()]
    assert all("another DLC" in sentence for sentence in sentences) is (graph is None)
