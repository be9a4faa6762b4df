"""What the ladder says of a series, night after night."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from qhas.profile.figures import LATENCY
from qhas.runs.record import Origin
from qhas.verdict.judgement import Judgement
from qhas.verdict.ladder import REMEMBERED, Ladder
from qhas.verdict.model import Verdict
from qhas.verdict.night import MOVE_ACCEPTED, judge_night
from qhas.verdict.point import Again, Block, Point, SeriesKey
from tests.qhas.nights import FIRST, wobbling

ONE, OTHER = Block("one", "AP3A"), Block("other", "AP3A")
KEY = SeriesKey("net", "sm8750", "default", "burst", Origin.DEVICE, LATENCY)
HOT = ("thermal status 2 after the run",)


def at(night: int, value: float | None = None, **changes: object) -> Point:
    """A night, with its usual latency unless another value is given."""
    point = Point(
        run_id=f"night-{night}",
        day=FIRST + timedelta(days=night),
        value=wobbling(night) if value is None else value,
        sdk="2.45",
        block=ONE,
        device="one",
        artifact="same",
        model="dlc",
    )
    return replace(point, **changes)  # type: ignore[arg-type]


def again(value: float, block: Block = OTHER, poor: tuple[str, ...] = ()) -> Again:
    return Again(value, block, block.serial, poor)


def told(points: Iterable[Point]) -> list[Judgement]:
    """The judgements of a series that is the only one in its sweep."""
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    return [judge_night(ladders, {KEY: point})[KEY] for point in points]


def verdicts(points: Iterable[Point]) -> list[str]:
    return [str(one.verdict) for one in told(points)]


def steady(nights: int) -> list[Point]:
    return [at(night) for night in range(nights)]


def test_the_first_five_nights_are_too_few_and_then_it_is_steady() -> None:
    assert verdicts(steady(9)) == ["insufficient_data"] * 5 + ["steady"] * 4


def test_a_slow_night_is_suspicious_and_a_second_one_makes_it_new_and_then_sustained() -> None:
    points = [*steady(35), *(at(35 + n, wobbling(n, 1080)) for n in range(4))]
    found = told(points)[35:]
    assert [one.verdict for one in found] == ["suspicious", "new", "sustained", "sustained"]
    assert found[0].off == pytest.approx(0.077, abs=0.01)
    assert found[1].since is not None
    assert found[3].since == found[1].since


def test_a_re_run_on_another_device_that_is_slow_too_confirms_on_the_first_night() -> None:
    slow = at(35, 1080.0, again=again(1075.0))
    (*_, last) = told([*steady(35), slow])
    assert (last.verdict, last.since) == (Verdict.NEW, slow)
    assert "other" in last.reason


def test_a_re_run_that_is_as_ever_clears_the_night() -> None:
    (*_, last) = told([*steady(35), at(35, 1080.0, again=again(1002.0))])
    assert last.verdict is Verdict.STEADY
    assert "not in the re-run on other" in last.reason


def test_a_re_run_in_poor_conditions_decides_nothing() -> None:
    assert verdicts([*steady(35), at(35, 1080.0, again=again(1090.0, poor=HOT))])[-1] == "suspicious"


def test_a_change_below_three_percent_is_none_however_sure() -> None:
    points = [at(night, 1000 + night % 2) for night in range(35)] + [at(35 + n, 1025.0) for n in range(10)]
    assert set(verdicts(points)[5:]) == {"steady"}


def test_a_change_within_the_noise_is_none_however_large() -> None:
    points = [at(night, wobbling(night, 1000) + 100 * (night % 3 - 1)) for night in range(30)]
    assert set(verdicts([*points, at(30, 1150.0), at(31, 1140.0)])[5:]) == {"steady"}


def test_a_regression_that_goes_away_has_recovered() -> None:
    bad = [at(35 + n, wobbling(n, 1080), again=again(1080.0)) for n in range(3)]
    assert verdicts([*steady(35), *bad, at(38), at(39)])[35:] == [
        "new",
        "sustained",
        "sustained",
        "recovered",
        "steady",
    ]


def test_a_regression_that_goes_away_after_weeks_has_recovered_too() -> None:
    bad = [at(35 + n, wobbling(n, 1080), again=again(1080.0)) for n in range(15)]
    found = verdicts([*steady(35), *bad, *(at(50 + n, again=again(1000.0)) for n in range(8))])[50:]
    assert found[0] == "recovered"
    assert set(found[1:]) == {"steady"}


def test_a_regression_is_how_things_are_after_a_month() -> None:
    bad = [at(35 + n, wobbling(n, 1080), again=again(1080.0)) for n in range(REMEMBERED + 5)]
    found = verdicts([*steady(35), *bad])[35:]
    assert found[1 : REMEMBERED + 1] == ["sustained"] * REMEMBERED
    assert found[REMEMBERED + 1 :] == ["steady"] * 4


def test_a_second_step_is_new_against_the_level_of_the_first() -> None:
    first = [at(35 + n, wobbling(n, 1080), again=again(1080.0)) for n in range(12)]
    second = [at(47, 1160.0, again=again(1160.0))]
    (*_, last) = told([*steady(35), *first, *second])
    assert last.verdict is Verdict.NEW
    assert last.off == pytest.approx(0.07, abs=0.015)


def test_a_gain_is_told_once_and_losing_it_again_is_a_regression() -> None:
    better = [at(35 + n, wobbling(n, 900), again=again(900.0)) for n in range(10)]
    back = [at(45, 1000.0, again=again(1000.0))]
    found = verdicts([*steady(35), *better, *back])[35:]
    assert (found[0], set(found[1:10]), found[10]) == ("improved", {"steady"}, "new")


def test_a_device_that_has_been_slow_before_and_came_back_is_flaky() -> None:
    slow = {8, 13, 19, 26}
    points = [at(n, 1120.0 if n in slow else None, again=again(1000.0)) for n in range(27)]
    assert verdicts(points)[26] == "flaky"


def test_a_hot_night_says_nothing_and_does_not_move_the_level() -> None:
    hot = [at(35 + n, 1200.0, poor=HOT) for n in range(10)]
    found = told([*steady(35), *hot, at(45)])
    assert {one.verdict for one in found[35:45]} == {Verdict.POOR_CONDITIONS}
    assert found[45].verdict is Verdict.STEADY
    assert "thermal status 2" in found[35].reason


def test_a_hot_night_within_the_noise_is_as_good_as_another() -> None:
    assert verdicts([*steady(35), at(35, 1001.0, poor=HOT)])[-1] == "steady"


def test_a_re_run_on_a_cool_device_stands_for_a_hot_night() -> None:
    assert verdicts([*steady(35), at(35, 1200.0, poor=HOT, again=again(1003.0, ONE))])[-1] == "steady"
    assert verdicts([*steady(35), at(35, 1200.0, poor=HOT, again=again(1090.0, ONE))])[-1] == "suspicious"


def test_a_slow_night_that_started_much_hotter_is_no_evidence() -> None:
    cool = [replace(point, celsius=45.0) for point in steady(35)]
    (*_, last) = told([*cool, at(35, 1080.0, celsius=55.0)])
    assert (last.verdict, last.reason) == (Verdict.POOR_CONDITIONS, "started 10 °C hotter than usual")
    assert verdicts([*cool, at(35, 1080.0, celsius=50.0)])[-1] == "suspicious"


def test_a_new_sdk_begins_anew_and_its_first_night_tells_the_difference() -> None:
    new = [at(35 + n, wobbling(n, 1080), sdk="2.46") for n in range(7)]
    found = told([*steady(35), *new])[35:]
    assert [one.verdict for one in found] == ["insufficient_data"] * 5 + ["steady"] * 2
    assert found[0].reason == "SDK 2.45 → 2.46"
    assert found[0].off == pytest.approx(0.077, abs=0.01)


def test_a_new_device_is_not_held_against_the_level_of_the_others() -> None:
    strange = [at(35 + n, wobbling(n, 1080), block=OTHER) for n in range(5)]
    assert verdicts([*steady(35), *strange])[35:] == ["insufficient_data"] * 3 + ["steady"] * 2


def test_new_firmware_makes_a_device_a_new_one() -> None:
    updated = at(35, 1080.0, block=Block("one", "AP4A"))
    assert verdicts([*steady(35), updated])[-1] == "insufficient_data"


def test_two_devices_have_a_level_each_and_one_noise() -> None:
    def on(night: int, factor: float = 1.0) -> Point:
        block, level = ((ONE, 1000.0), (OTHER, 1080.0))[night % 2]
        return at(night, wobbling(night, level * factor), block=block)

    points = [on(night) for night in range(24)]
    assert set(verdicts(points)[8:]) == {"steady"}
    (*_, last) = told([*points, on(24, 1.06)])
    assert last.verdict is Verdict.SUSPICIOUS


def moved(nights: int, **changes: object) -> list[list[Judgement]]:
    """The judgements of seven networks on one device, which becomes 8 % slower after twenty nights."""
    keys = [KEY._replace(network=f"net{n}") for n in range(7)]
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    found = []
    for night in range(20 + nights):
        level = 1000.0 if night < 20 else 1080.0
        points = {
            key: at(night, wobbling(night + 3 * n, level), **(changes if night >= 20 else {}))
            for n, key in enumerate(keys)
        }
        told = judge_night(ladders, points)
        found.append([told[key] for key in keys])
    return found[20:]


def test_when_everything_unchanged_on_a_device_moves_the_device_has_moved() -> None:
    (first, *_) = moved(1)
    assert {one.verdict for one in first} == {Verdict.ENVIRONMENTAL}
    assert "7 cells with unchanged graphs moved +7.9 %" in first[0].reason


def test_cells_with_other_graphs_are_not_excused_by_it() -> None:
    (first, *_) = moved(1, artifact="another")
    assert {one.verdict for one in first} == {Verdict.SUSPICIOUS}


def test_a_device_that_stays_moved_is_learned_anew() -> None:
    found = [night[0].verdict for night in moved(MOVE_ACCEPTED + 7)]
    assert found[:MOVE_ACCEPTED] == [Verdict.ENVIRONMENTAL] * MOVE_ACCEPTED
    assert found[-1] is Verdict.STEADY
    assert Verdict.NEW not in found


def test_a_control_cell_alone_speaks_for_its_device() -> None:
    keys = {"control": True, "net": False}
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    for night in range(21):
        level = 1080.0 if night == 20 else 1000.0
        points = {
            KEY._replace(network=name): at(night, wobbling(night, level), control=control)
            for name, control in keys.items()
        }
        found = judge_night(ladders, points)
    last = found[KEY]
    assert last.verdict is Verdict.ENVIRONMENTAL
    assert last.reason.startswith("control cell control moved +7.9 %")


def test_a_network_slower_than_its_device_has_become_is_still_suspicious() -> None:
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    for night in range(21):
        control, net = (1080.0, 1250.0) if night == 20 else (1000.0, 1000.0)
        points = {
            KEY._replace(network="control"): at(night, wobbling(night, control), control=True),
            KEY: at(night, wobbling(night, net)),
        }
        found = judge_night(ladders, points)
    assert found[KEY].verdict is Verdict.SUSPICIOUS


def test_a_drift_is_found_though_no_night_is_far_from_the_one_before() -> None:
    points = [*steady(40), *(at(40 + n, wobbling(n, 1000 * 1.004**n), again=None) for n in range(20))]
    assert "new" in verdicts(points)


def test_a_rack_that_gets_warmer_moves_its_level_as_long_as_it_is_not_slower() -> None:
    cool = [replace(point, celsius=45.0) for point in steady(35)]
    warm = [at(35 + n, wobbling(n, 1015), celsius=55.0) for n in range(45)]
    (*_, last) = told([*cool, *warm])
    assert last.verdict is Verdict.STEADY
    assert last.level == pytest.approx(6.923, abs=0.003)  # the logarithm of 1,015


def test_a_re_run_decides_on_a_night_that_started_hot() -> None:
    cool = [replace(point, celsius=45.0) for point in steady(35)]
    hot = at(35, 1080.0, celsius=55.0)
    assert verdicts([*cool, replace(hot, again=again(1081.0))])[-1] == "new"
    assert verdicts([*cool, replace(hot, again=again(1001.0))])[-1] == "steady"
