"""Devices' times decide and are called measured; the simulator's, shown beside them, are called simulated."""

from __future__ import annotations

import pytest

from qhas.site import Site
from qhas.tune.devices import Decision, Timed, has_device
from qhas.tune.model import Objective, Tried, Tuning
from qhas.tune.page import page


def timed(words: str, *rounds: float) -> Timed:
    return Timed(words=words, rounds_us=rounds)


DEFAULT = timed("the default", 100, 110, 120)


@pytest.mark.parametrize(
    ("others", "winner"),
    [
        ([timed("a", 90, 100, 110)], 1),
        ([timed("a", 90, 100, 110), timed("b", 80, 90, 100)], 2),
        ([timed("a", 50, 50, 121)], 0),
        ([timed("a", 100, 110, 120)], 0),
        ([], 0),
    ],
    ids=["faster in every round", "the fastest of two", "slower in one round", "the same", "alone"],
)
def test_only_what_is_faster_in_every_round_beats_the_default(others: list[Timed], winner: int) -> None:
    assert Decision(device="phone", timed=(DEFAULT, *others)).winner == winner


def test_without_times_nothing_is_decided() -> None:
    assert Decision(why="the phone is hot").winner is None


@pytest.mark.parametrize(("soc", "there"), [("sm8750", True), ("sa8255", False)])
def test_only_devices_of_the_soc_count_and_the_host_is_none(soc: str, there: bool) -> None:
    devices = [
        {"name": "phone", "soc": "sm8750", "transport": "adb", "serial": "1"},
        {"name": "host", "soc": "sa8255", "transport": "host"},
    ]
    assert has_device(Site.model_validate({"devices": devices}), soc) is there


def tuning(decision: Decision | None, options: dict[str, int | bool]) -> Tuning:
    default = Tried(options={}, time_us=100, interval_us=None, dram=1, peak_vtcm=1, context_bytes=1)
    best = default.model_copy(update={"options": options, "time_us": 80 if options else 100})
    return Tuning(
        tuning_id="t", network="net", soc="sm8750", sdk="2.51", objective=Objective.TIME, default=default, best=best,
        tried=[default, best], pareto=[1], effects=[], grid=2, truth="no expectation", decision=decision,
    )  # fmt: skip


def test_a_gain_that_was_measured_is_called_so_and_the_simulators_is_not() -> None:
    decision = Decision(device="phone", sdk="2.44", timed=(DEFAULT, timed("vtcm_mb: 2", 88, 99, 110)))
    sentence = tuning(decision, {"vtcm_mb": 2}).sentence
    assert sentence == (
        "net on sm8750: time of an inference −10.0 %, measured on phone, alternating with the default, 3 rounds of medians: 99 µs in place "
        "of 110 µs; simulated at −20 %."
    )


def test_a_gain_that_no_device_shows_is_not_one() -> None:
    decision = Decision(device="phone", sdk="2.44", timed=(DEFAULT, timed("vtcm_mb: 2", 100, 111, 120)))
    sentence = tuning(decision, {}).sentence
    assert "stays at the default's 110 µs, measured on phone" in sentence
    assert "(vtcm_mb: 2 +0.9 %, measured)" in sentence


def test_a_device_that_says_nothing_leaves_the_gain_simulated_with_the_reason() -> None:
    sentence = tuning(Decision(why="the phone is hot"), {"vtcm_mb": 2}).sentence
    assert "−20 %, simulated, not confirmed on a device" in sentence
    assert sentence.endswith("; no device decided: the phone is hot.")


def test_the_page_keeps_measured_times_in_a_table_of_their_own() -> None:
    decision = Decision(device="phone", sdk="2.44", timed=(DEFAULT, timed("vtcm_mb: 2", 88, 99, 110)))
    text = page(tuning(decision, {"vtcm_mb": 2}))
    assert "## Measured on phone, SDK 2.44" in text
    assert "| vtcm\\_mb: 2 |" in text or "| vtcm_mb: 2 | 99 µs | −10.0 % | 88 µs, 99 µs, 110 µs |" in text
    assert "all figures are simulated, except those labelled measured" in text
